"""ONNX files whose work is known by hand, real graphs, and files that cannot be read."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from advisor.errors import AdvisorError, ModelFileError, RequirementError
from advisor.modelspec import ModelSpec, of_onnx, resolve
from advisor.onnx_model import read
from advisor.onnx_model.macs import macs_of
from advisor.text import sentence
from advisor.units import BILLION

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
FLOAT, IDS = TensorProto.FLOAT, TensorProto.INT64


def weight(name, *shape, kind=np.float32):
    return numpy_helper.from_array(np.zeros(shape, kind), name)


def tensor(name, *shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes, inputs, outputs, weights, opset=17, domains=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


@pytest.fixture
def saved(tmp_path):
    def save(nodes, inputs, outputs, weights, **options):
        path = tmp_path / "model.onnx"
        onnx.save(model_of(nodes, inputs, outputs, weights, **options), path)
        return path

    return save


@pytest.fixture
def gemm(saved):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)
    return saved([node], [tensor("x", "batch", 64)], [tensor("y", "batch", 10)], [weight("w", 10, 64), weight("b", 10)])


@pytest.fixture
def conv(saved):
    return saved([helper.make_node("Conv", ["x", "w"], ["y"])], [tensor("x", 1, 3, 8, 8)], [tensor("y", 1, 4, 6, 6)],
                 [weight("w", 4, 3, 3, 3)])  # fmt: skip


def codes(model):
    return dict(model.assumptions)


@pytest.mark.parametrize(
    ("attributes", "kernel", "macs"),
    [
        ({}, (16, 8, 3, 3), 30 * 30 * 16 * 8 * 9),
        ({"pads": [1, 1, 1, 1]}, (16, 8, 3, 3), 32 * 32 * 16 * 8 * 9),
        ({"strides": [2, 2], "pads": [1, 1, 1, 1]}, (16, 8, 3, 3), 16 * 16 * 16 * 8 * 9),
        ({"group": 8, "pads": [1, 1, 1, 1]}, (8, 1, 3, 3), 32 * 32 * 8 * 9),
        ({"group": 2}, (16, 4, 1, 1), 32 * 32 * 16 * 4),
        ({"dilations": [2, 2]}, (16, 8, 3, 3), 28 * 28 * 16 * 8 * 9),
    ],
)
def test_a_convolution_multiplies_every_output_with_its_kernel(saved, attributes, kernel, macs):
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    model = read(
        saved([node], [tensor("x", 1, 8, 32, 32)], [tensor("y", None, None, None, None)], [weight("w", *kernel)])
    )
    assert model.macs == macs
    assert model.macs_by_operator == (("Conv", macs),)
    assert model.params == math.prod(kernel)


def test_a_transposed_convolution_multiplies_every_input_with_its_kernel(saved):
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    path = saved([node], [tensor("x", 1, 8, 16, 16)], [tensor("y", 1, 4, 32, 32)], [weight("w", 8, 4, 2, 2)])
    assert read(path).macs == 8 * 16 * 16 * 4 * 2 * 2


def test_a_dense_layer_multiplies_inputs_with_outputs(gemm):
    assert read(gemm).macs == 64 * 10
    assert read(gemm).params == 64 * 10 + 10


def test_a_transposed_left_side_is_summed_over_its_first_axis(saved):
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)
    assert read(saved([node], [tensor("x", 64, 5)], [tensor("y", 5, 10)], [weight("w", 64, 10)])).macs == 5 * 64 * 10


@pytest.mark.parametrize(
    ("left", "right", "macs"),
    [
        ((7, 4, 5), (5, 6), 7 * 4 * 5 * 6),
        ((2, 3, 4, 5), (2, 3, 5, 6), 2 * 3 * 4 * 5 * 6),
        ((5,), (5, 6), 5 * 6),
        ((4, 5), (5,), 4 * 5),
    ],
)
def test_matrix_products_with_and_without_batches(saved, left, right, macs):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    output = helper.make_tensor_value_info("y", FLOAT, None)
    assert read(saved([node], [tensor("x", *left)], [output], [weight("w", *right)])).macs == macs


@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers_multiply_at_every_step(saved, operator, gates, directions):
    steps, features, hidden = 20, 12, 16
    direction = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node(operator, ["x", "w", "r"], ["y"], hidden_size=hidden, direction=direction)
    weights = [weight("w", directions, gates * hidden, features), weight("r", directions, gates * hidden, hidden)]
    path = saved([node], [tensor("x", steps, 1, features)], [tensor("y", steps, directions, 1, hidden)], weights)
    assert read(path).macs == steps * directions * gates * hidden * (features + hidden)


def test_integer_products_count_like_others(saved):
    scale, zero = weight("s"), weight("z", kind=np.uint8)
    nodes = [
        helper.make_node("QLinearConv", ["x", "s", "z", "w", "s", "z", "s", "z"], ["a"]),
        helper.make_node("ConvInteger", ["a", "v"], ["b"]),
        helper.make_node("MatMulInteger", ["m", "u"], ["c"]),
        helper.make_node("QLinearMatMul", ["m", "s", "z", "u", "s", "z", "s", "z"], ["d"]),
    ]
    inputs = [tensor("x", 1, 3, 8, 8, kind=TensorProto.UINT8), tensor("m", 2, 5, kind=TensorProto.UINT8)]
    outputs = [helper.make_tensor_value_info(name, TensorProto.INT32, None) for name in "bc"]
    outputs.append(helper.make_tensor_value_info("d", TensorProto.UINT8, None))
    weights = [scale, zero, weight("w", 4, 3, 3, 3, kind=np.uint8), weight("v", 2, 4, 1, 1, kind=np.uint8),
               weight("u", 5, 6, kind=np.uint8)]  # fmt: skip
    model = read(saved(nodes, inputs, outputs, weights))
    assert dict(model.macs_by_operator) == {
        "QLinearConv": 36 * 4 * 27, "ConvInteger": 36 * 2 * 4, "MatMulInteger": 2 * 5 * 6, "QLinearMatMul": 2 * 5 * 6,
    }  # fmt: skip
    assert model.precision == "int8"


def test_an_einstein_sum_multiplies_every_index(saved):
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="bqhd,bkhd->bhqk")
    path = saved([node], [tensor("x", 1, 7, 2, 4)], [tensor("y", 1, 2, 7, 9)], [weight("w", 1, 9, 2, 4)])
    assert read(path).macs == 1 * 7 * 2 * 4 * 9


def test_attention_multiplies_queries_with_keys_and_shares_with_values():
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"])
    shapes = {"q": (1, 8, 16, 64), "k": (1, 8, 32, 64), "v": (1, 8, 32, 64), "y": (1, 8, 16, 64)}
    assert macs_of(node, shapes) == 2 * 8 * 16 * 32 * 64


def test_operators_that_multiply_no_matrices_count_nothing():
    assert macs_of(helper.make_node("Relu", ["x"], ["y"]), {}) == 0


def test_the_batch_is_one_and_a_sequence_has_its_documented_length(saved):
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["x"]), helper.make_node("MatMul", ["x", "w"], ["y"])]
    path = saved(nodes, [tensor("input_ids", "batch", "sequence", kind=IDS)], [tensor("y", "batch", "sequence", 32)],
                 [weight("table", 1000, 16), weight("w", 16, 32)])  # fmt: skip
    model = read(path)
    assert model.input_shape == (1, 128)
    assert model.macs == 128 * 16 * 32
    assert ("dynamic_axis", (("axis", "sequence"), ("size", 128))) in model.assumptions
    assert read(path, {"sequence": 384}).macs == 384 * 16 * 32
    assert ("dynamic_axis", (("axis", "sequence"), ("size", 384))) not in read(path, {"sequence": 384}).assumptions


@pytest.mark.parametrize(
    ("shape", "fixed"),
    [
        (("N", 3, "h", "w"), (1, 3, 224, 224)),
        (("N", "c", None, None), (1, 3, 224, 224)),
        ((None, "x", "y", 3), (1, 224, 224, 3)),
        (("batch", 3, 640, 640), (1, 3, 640, 640)),
    ],
)
def test_dynamic_axes_of_an_image_get_its_usual_size(saved, shape, fixed):
    path = saved([helper.make_node("Mul", ["x", "w"], ["y"])], [tensor("x", *shape)],
                 [tensor("y", *shape)], [weight("w", 1)])  # fmt: skip
    assert read(path).input_shape == fixed


def test_a_size_for_an_axis_that_is_not_there_is_refused(gemm):
    with pytest.raises(RequirementError, match="no dynamic axis batchh; name one of: batch"):
        read(gemm, {"batchh": 2})


@pytest.mark.parametrize("size", [0, -1, 2.5, "8"])
def test_a_size_that_is_none_is_refused(gemm, size):
    with pytest.raises(RequirementError):
        read(gemm, {"batch": size})


@settings(max_examples=20, deadline=None)
@given(batch=st.integers(1, 64))
def test_work_and_traffic_grow_in_step_with_the_batch(tmp_path_factory, batch):
    path = tmp_path_factory.mktemp("batch") / "model.onnx"
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    onnx.save(
        model_of(
            nodes, [tensor("x", "batch", 3, 16, 16)], [tensor("y", "batch", 4, 14, 14)], [weight("w", 4, 3, 3, 3)]
        ),
        path,
    )
    one, many = read(path), read(path, {"batch": batch})
    assert many.macs == batch * one.macs
    assert many.activation_bytes == batch * one.activation_bytes
    assert many.params == one.params


def test_activation_traffic_is_what_the_operators_write_without_views(saved):
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Flatten", ["a"], ["y"])]
    path = saved(nodes, [tensor("x", 1, 3, 8, 8)], [tensor("y", 1, 144)], [weight("w", 4, 3, 3, 3)])
    assert read(path).activation_bytes == 4 * 6 * 6 * 4


@pytest.mark.parametrize(
    ("kind", "precision", "size"),
    [(np.float32, "fp32", 4), (np.float16, "fp16", 2)],
)
def test_the_stored_precision_is_that_of_most_weights(saved, kind, precision, size):
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    path = saved([helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor("x", 1, 64, kind=element)],
                 [tensor("y", 1, 10, kind=element)], [weight("w", 64, 10, kind=kind)])  # fmt: skip
    assert read(path).precision == precision
    assert read(path).activation_bytes == 10 * size


def test_weights_in_constants_count_and_indices_do_not(saved):
    nodes = [
        helper.make_node("Constant", [], ["w"], value=weight("w", 64, 10)),
        helper.make_node("Reshape", ["x", "shape"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    shape = numpy_helper.from_array(np.array([1, 64], np.int64), "shape")
    model = read(saved(nodes, [tensor("x", 8, 8)], [tensor("y", 1, 10)], [shape]))
    assert (model.params, model.macs) == (640, 640)


def test_of_two_branches_the_costlier_counts_once_and_says_so(saved):
    def branch(name, width):
        return helper.make_graph([helper.make_node("MatMul", ["x", f"w{width}"], [f"y{width}"])], name, [],
                                 [tensor(f"y{width}", 1, width)], [weight(f"w{width}", 64, width)])  # fmt: skip

    node = helper.make_node("If", ["flag"], ["y"], then_branch=branch("t", 10), else_branch=branch("e", 20))
    path = saved(
        [node],
        [tensor("flag", kind=TensorProto.BOOL), tensor("x", 1, 64)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [],
    )
    model = read(path)
    assert model.macs == 64 * 20
    assert model.params == 64 * 30
    assert codes(model)["bodies_counted_once"] == (("operators", 1),)


def test_a_loop_counts_once_and_says_so(saved):
    body = helper.make_graph(
        [helper.make_node("MatMul", ["h", "w"], ["k"]), helper.make_node("Identity", ["c"], ["d"])], "body",
        [tensor("i", kind=IDS), tensor("c", kind=TensorProto.BOOL), tensor("h", 1, 8)],
        [tensor("d", kind=TensorProto.BOOL), tensor("k", 1, 8)],
    )  # fmt: skip
    node = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)
    path = saved([node], [tensor("trips", kind=IDS), tensor("x", 1, 8)], [tensor("y", 1, 8)], [weight("w", 8, 8)])
    assert read(path).macs == 64
    assert "bodies_counted_once" in codes(read(path))


def test_operators_of_other_vendors_are_named_as_not_counted(saved):
    node = helper.make_node("FusedMatMul", ["x", "w"], ["y"], domain="com.microsoft")
    model = read(
        saved([node], [tensor("x", 1, 8)], [tensor("y", 1, 4)], [weight("w", 8, 4)], domains=("com.microsoft",))
    )
    assert codes(model)["operators_uncounted"] == (("operators", 1), ("types", "FusedMatMul"))


def test_an_input_without_a_shape_is_said_and_its_operators_are_not_counted(saved):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    output = helper.make_tensor_value_info("y", FLOAT, None)
    model = read(saved([node], [helper.make_tensor_value_info("x", FLOAT, None)], [output], [weight("w", 8, 4)]))
    assert codes(model)["input_without_shape"] == (("input", "x"),)
    assert codes(model)["operators_uncounted"] == (("operators", 1), ("types", "MatMul"))


def test_functions_of_the_model_are_counted_where_they_are_called(tmp_path):
    function = helper.make_function("own", "Dense", ["a", "b"], ["c"], [helper.make_node("MatMul", ["a", "b"], ["c"])],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    nodes = [
        helper.make_node("Dense", ["x", "w"], ["h"], domain="own"),
        helper.make_node("Dense", ["h", "w"], ["y"], domain="own"),
    ]
    model = model_of(nodes, [tensor("x", 1, 8)], [tensor("y", 1, 8)], [weight("w", 8, 8)], domains=("own",))
    model.functions.append(function)
    onnx.save(model, tmp_path / "model.onnx")
    assert read(tmp_path / "model.onnx").macs == 2 * 64


@pytest.mark.parametrize(
    ("name", "gmacs", "params"),
    [("resnet50", 4.09, 25.6e6), ("vgg19", 19.6, 143.7e6), ("densenet121", 2.83, 8.0e6), ("squeezenet", 0.349, 1.24e6),
     ("shufflenet", 0.125, 1.4e6), ("bvlc_alexnet", 0.655, 61e6), ("inception_v1", 1.43, 6.0e6)],
)  # fmt: skip
def test_real_graphs_have_the_work_and_the_size_that_were_measured(name, gmacs, params):
    model = read(LIGHT / f"light_{name}.onnx")
    assert model.macs / BILLION == pytest.approx(gmacs, rel=0.01)
    assert model.params == pytest.approx(params, rel=0.03)
    assert model.family == "cnn"
    assert set(codes(model)) == {"family_recognised"}


def test_a_file_becomes_a_model_with_all_that_latency_needs():
    spec = resolve(LIGHT / "light_resnet50.onnx", {})
    assert spec.basis == "onnx"
    assert spec.work_flop / BILLION == pytest.approx(2 * 4.09, rel=0.01)
    assert (spec.precision, spec.opset, spec.input_shape) == ("fp32", 9, (1, 3, 224, 224))
    assert {"Conv", "Gemm", "Relu"} <= set(spec.operators)
    assert spec.activation_bytes > 40e6
    assert resolve(str(LIGHT / "light_resnet50.onnx"), {}) == spec
    assert ModelSpec(**spec.model_dump()) == spec


def past_of(layers):
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["x"]), helper.make_node("MatMul", ["x", "w"], ["y"])]
    past = [tensor(f"past_key_values.{i}.key", "batch", 8, "past_sequence_length", 64) for i in range(layers)]
    return nodes, [tensor("input_ids", "batch", "sequence_length", kind=IDS), *past]


def test_a_language_model_counts_one_token(saved):
    nodes, inputs = past_of(2)
    spec = of_onnx(
        saved(
            nodes,
            inputs,
            [tensor("y", "batch", "sequence_length", 32)],
            [weight("table", 1000, 16), weight("w", 16, 32)],
        )
    )
    assert spec.family == "llm"
    assert spec.macs == 16 * 32


def test_attention_over_token_ids_is_an_encoder(saved):
    nodes = [helper.make_node("Gather", ["table", "ids"], ["x0"])]
    for layer in range(2):
        nodes += [
            helper.make_node("MatMul", [f"x{layer}", "w"], [f"q{layer}"]),
            helper.make_node("Softmax", [f"q{layer}"], [f"s{layer}"]),
            helper.make_node("MatMul", [f"s{layer}", "w"], [f"x{layer + 1}"]),
        ]
    path = saved(
        nodes,
        [tensor("ids", 1, 9, kind=IDS)],
        [tensor("x2", 1, 9, 16)],
        [weight("table", 100, 16), weight("w", 16, 16)],
    )
    assert read(path).family == "nlp-encoder"


@pytest.mark.parametrize(
    ("outputs", "family"),
    [([("m", (1, 2, 640, 640))], "segmentation"), ([("m", (1, 2, 640, 640)), ("p", (1, 64, 320, 320))], "detector")],
)
def test_maps_that_grow_again_are_segmentation_or_detection(saved, outputs, family):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["p"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["p", "v"], ["m"], strides=[2, 2]),
    ]
    weights = [weight("w", 64, 3, 3, 3), weight("v", 64, 2, 2, 2)]
    path = saved(nodes, [tensor("x", 1, 3, 640, 640)], [tensor(name, *shape) for name, shape in outputs], weights)
    assert read(path).family == family


@pytest.mark.parametrize(
    ("table", "family"),
    [((1, 25200, 85), "detector"), ((1, 84, 8400), "detector"), ((1, 320, 320), "segmentation")],
)
def test_a_table_longer_than_the_image_is_wide_lists_boxes(saved, table, family):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["p"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["p", "v"], ["m"], strides=[2, 2]),
        helper.make_node("ConstantOfShape", ["size"], ["boxes"]),
    ]
    size = helper.make_tensor("size", IDS, [3], table)
    weights = [weight("w", 64, 3, 3, 3), weight("v", 64, 2, 2, 2), size]
    path = saved(nodes, [tensor("x", 1, 3, 640, 640)], [tensor("boxes", *table)], weights)
    assert read(path).family == family


def test_a_small_convolution_is_for_microcontrollers(conv):
    assert read(conv).family == "tinyml"


def test_signals_are_speech(saved):
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=512)
    weights = [weight("w", 1, 2048, 80), weight("r", 1, 2048, 512)]
    assert read(saved([node], [tensor("x", 100, 1, 80)], [tensor("y", 100, 1, 1, 512)], weights)).family == "speech"


def test_a_family_that_cannot_be_told_is_an_assumption(saved):
    path = saved(
        [helper.make_node("Mul", ["x", "w"], ["y"])], [tensor("x", 1, 8)], [tensor("y", 1, 8)], [weight("w", 8)]
    )
    assert codes(read(path))["family_unknown"] == (("family", "cnn"),)
    spec = of_onnx(path)
    assert spec.macs is None
    assert "macs_estimated" in dict(spec.assumptions)


def refused(path):
    with pytest.raises(ModelFileError) as caught:
        of_onnx(path)
    for lang in ("en", "zh"):
        assert path.name in caught.value.in_language(lang)
    return caught.value.code


def test_a_missing_file_is_a_sentence(tmp_path):
    assert refused(tmp_path / "no.onnx") == "model_file_missing"


def test_a_folder_is_a_sentence(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    assert refused(tmp_path / "folder.onnx") == "model_file_missing"


def test_an_empty_file_is_a_sentence(tmp_path):
    (tmp_path / "empty.onnx").touch()
    assert refused(tmp_path / "empty.onnx") == "model_file_empty"


@pytest.mark.parametrize(
    "text", [b"this is a letter\n", b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1\n", b"\x00" * 50]
)
def test_a_file_of_text_is_a_sentence(tmp_path, text):
    (tmp_path / "text.onnx").write_bytes(text)
    assert refused(tmp_path / "text.onnx") == "model_file_unreadable"


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_file_cut_off_anywhere_is_a_sentence(tmp_path_factory, share):
    whole = (LIGHT / "light_squeezenet.onnx").read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.onnx"
    path.write_bytes(whole[: max(1, int(len(whole) * share))])
    with pytest.raises(ModelFileError):
        of_onnx(path)


def outcome(path):
    try:
        return of_onnx(path).basis
    except AdvisorError as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20))
def test_a_damaged_file_is_a_sentence_or_a_model(tmp_path_factory, damage):
    content = bytearray((LIGHT / "light_squeezenet.onnx").read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    path = tmp_path_factory.mktemp("damaged") / "damaged.onnx"
    path.write_bytes(bytes(content))
    assert outcome(path)


def test_a_model_without_weights_is_a_sentence(saved):
    path = saved([helper.make_node("Relu", ["x"], ["y"])], [tensor("x", 1, 8)], [tensor("y", 1, 8)], [])
    assert refused(path) == "model_file_without_weights"


@pytest.fixture
def outside(tmp_path):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = model_of([node], [tensor("x", 1, 512)], [tensor("y", 1, 512)], [weight("w", 512, 512)])
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="model.data")
    return tmp_path / "model.onnx"


def test_weights_beside_the_model_are_counted_without_reading_them(outside):
    assert read(outside).params == 512 * 512
    assert read(outside).macs == 512 * 512


def test_links_into_a_cache_of_downloads_find_each_other(outside):
    blobs, snapshot = outside.parent / "blobs", outside.parent / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    for file, blob in ((outside, "3f5a"), (outside.parent / "model.data", "9c71")):
        file.rename(blobs / blob)
        (snapshot / file.name).symlink_to(blobs / blob)
    assert read(snapshot / "model.onnx").params == 512 * 512


def test_weights_are_looked_for_beside_a_link_and_not_beside_its_target(outside, tmp_path):
    link = tmp_path / "elsewhere" / "model.onnx"
    link.parent.mkdir()
    link.symlink_to(outside)
    assert refused(link) == "external_weights_missing"
    (outside.parent / "model.data").rename(link.parent / "model.data")
    assert read(link).params == 512 * 512
    assert refused(outside) == "external_weights_missing"


def test_missing_external_weights_are_a_sentence(outside):
    (outside.parent / "model.data").unlink()
    assert refused(outside) == "external_weights_missing"


def test_external_weights_that_are_too_short_are_a_sentence(outside):
    (outside.parent / "model.data").write_bytes(b"\x00" * 100)
    assert refused(outside) == "external_weights_short"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_assumption_of_a_file_has_its_words(saved, lang):
    nodes, inputs = past_of(1)
    nodes.append(helper.make_node("FusedMatMul", ["y", "w"], ["z"], domain="com.microsoft"))
    path = saved(
        nodes,
        inputs,
        [tensor("z", "batch", 8)],
        [weight("table", 1000, 16), weight("w", 16, 32)],
        domains=("com.microsoft",),
    )
    found = dict(of_onnx(path).assumptions)
    assert {"dynamic_axis", "operators_uncounted", "family_recognised"} <= found.keys()
    extra = {
        "bodies_counted_once": (("operators", 2),),
        "input_without_shape": (("input", "x"),),
        "outputs_unsized": (("outputs", 1),),
        "family_unknown": (("family", "cnn"),),
    }
    for code, numbers in (found | extra).items():
        assert sentence(f"assumption.{code}", lang=lang, **dict(numbers))
