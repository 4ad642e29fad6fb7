"""Train the digit classifier of the lab and write it to ``data/lab/digits.onnx``, in int8 to ``digits-int8.onnx``.

Run it as ``python tools/train_digits.py [FILE]``.  A small convolutional network, in NumPy alone.  Before every product
of matrices both factors are rounded to a binary grid that is coarse enough for all their sums to be exact in float64:
the order of a sum does not matter, so every machine and every BLAS writes the same bytes.
The second file is the first with 8-bit integers, its scales taken from what the training pictures cause in it.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from advisor.lab.zoo import labelled_pictures
from advisor.paths import DATA

Array = NDArray[np.float64]
Labels = NDArray[np.intp]
Weights = dict[str, Array]

SEED = 0
MAPS_1, MAPS_2, HIDDEN, CLASSES = 8, 16, 32, 10
EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 12, 32, 4e-3, 1e-4
MOMENTUM, SCALE_MEMORY, TINY = 0.9, 0.999, 1e-8
GRID, GRADIENT_GRID = 2.0**-12, 2.0**-26
LEAST_ACCURACY = 0.97
OPSET, IR_VERSION = 17, 8


def on_grid(values: Array, grid: float = GRID) -> Array:
    """Values rounded to multiples of ``grid``, a power of two."""
    return np.rint(values / grid) * grid


def initial_weights(random: np.random.Generator) -> Weights:
    """He-initialised weights and zero biases."""
    shapes = {
        "convolution_1": (MAPS_1, 1, 3, 3),
        "convolution_2": (MAPS_2, MAPS_1, 3, 3),
        "dense_1": (HIDDEN, MAPS_2 * 16),
        "dense_2": (CLASSES, HIDDEN),
    }
    weights: Weights = {}
    for name, shape in shapes.items():
        weights[name] = random.normal(0.0, np.sqrt(2.0 / np.prod(shape[1:])), shape)
        weights[f"{name}_bias"] = np.zeros(shape[0])
    return weights


def patches(maps: Array) -> Array:
    """3 x 3 neighbourhoods, padded by one: (N, C, 8, 8) to (N, 8, 8, 9 C)."""
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), (2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(maps), 8, 8, -1)


def from_patches(gradient: Array, maps: int) -> Array:
    """Adjoint of ``patches``: (N, 8, 8, 9 C) to (N, C, 8, 8)."""
    parts = gradient.reshape(-1, 8, 8, maps, 3, 3)
    padded = np.zeros((len(parts), maps, 10, 10))
    for row in range(3):
        for column in range(3):
            padded[:, :, row : row + 8, column : column + 8] += parts[..., row, column].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1]


def forward(pictures: Array, weights: Weights) -> dict[str, Array]:
    """Everything that the network computes on the way to its logits; ``weights`` lie on the grid."""
    state: dict[str, Array] = {"patches_1": patches(pictures)}
    sums_1 = state["patches_1"] @ weights["convolution_1"].reshape(MAPS_1, -1).T + weights["convolution_1_bias"]
    state["maps_1"] = on_grid(np.maximum(sums_1, 0.0))
    state["patches_2"] = patches(state["maps_1"].transpose(0, 3, 1, 2))
    sums_2 = state["patches_2"] @ weights["convolution_2"].reshape(MAPS_2, -1).T + weights["convolution_2_bias"]
    state["maps_2"] = on_grid(np.maximum(sums_2, 0.0))
    state["fours"] = state["maps_2"].reshape(-1, 4, 2, 4, 2, MAPS_2)
    state["pooled"] = state["fours"].max((2, 4))
    state["flat"] = state["pooled"].transpose(0, 3, 1, 2).reshape(len(pictures), -1)
    hidden = state["flat"] @ weights["dense_1"].T + weights["dense_1_bias"]
    state["hidden"] = on_grid(np.maximum(hidden, 0.0))
    state["logits"] = state["hidden"] @ weights["dense_2"].T + weights["dense_2_bias"]
    return state


def gradients(pictures: Array, labels: Labels, weights: Weights) -> Weights:
    """Gradient of the mean cross-entropy."""
    state = forward(pictures, weights)
    shares = np.exp(state["logits"] - state["logits"].max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    shares[np.arange(len(labels)), labels] -= 1.0
    found: Weights = {}
    back = on_grid(shares / len(labels), GRADIENT_GRID)
    found["dense_2"], found["dense_2_bias"] = back.T @ state["hidden"], back.sum(0)
    back = on_grid(back @ weights["dense_2"] * (state["hidden"] > 0), GRADIENT_GRID)
    found["dense_1"], found["dense_1_bias"] = back.T @ state["flat"], back.sum(0)
    back = (back @ weights["dense_1"]).reshape(-1, MAPS_2, 4, 4).transpose(0, 2, 3, 1)
    greatest = state["fours"] == state["pooled"][:, :, None, :, None, :]
    spread = back[:, :, None, :, None, :] * greatest / greatest.sum((2, 4), keepdims=True)
    back = on_grid(spread.reshape(-1, 8, 8, MAPS_2) * (state["maps_2"] > 0), GRADIENT_GRID)
    add_convolution(found, "convolution_2", back, state["patches_2"], weights)
    back = from_patches(back @ weights["convolution_2"].reshape(MAPS_2, -1), MAPS_1).transpose(0, 2, 3, 1)
    back = on_grid(back * (state["maps_1"] > 0), GRADIENT_GRID)
    add_convolution(found, "convolution_1", back, state["patches_1"], weights)
    return found


def add_convolution(found: Weights, name: str, back: Array, seen: Array, weights: Weights) -> None:
    """Put the gradient of one convolution into ``found``."""
    rows = back.reshape(-1, back.shape[-1])
    found[name] = (rows.T @ seen.reshape(-1, seen.shape[-1])).reshape(weights[name].shape)
    found[f"{name}_bias"] = rows.sum(0)


def trained(pictures: Array, labels: Labels) -> Weights:
    """Weights on the grid after all epochs of Adam with a linearly falling learning rate."""
    random = np.random.default_rng(SEED)
    weights = initial_weights(random)
    mean = {name: np.zeros_like(value) for name, value in weights.items()}
    square = {name: np.zeros_like(value) for name, value in weights.items()}
    first_memory, second_memory = 1.0, 1.0
    for epoch in range(EPOCHS):
        order = random.permutation(len(pictures))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            rounded = {name: on_grid(value) for name, value in weights.items()}
            found = gradients(shifted(pictures[chosen], random), labels[chosen], rounded)
            first_memory, second_memory = first_memory * MOMENTUM, second_memory * SCALE_MEMORY
            for name, gradient in found.items():
                slope = gradient + WEIGHT_DECAY * weights[name]
                mean[name] = MOMENTUM * mean[name] + (1.0 - MOMENTUM) * slope
                square[name] = SCALE_MEMORY * square[name] + (1.0 - SCALE_MEMORY) * slope * slope
                size = np.sqrt(square[name] / (1.0 - second_memory)) + TINY
                rate = LEARNING_RATE * (1.0 - epoch / EPOCHS)
                weights[name] = weights[name] - rate * mean[name] / (1.0 - first_memory) / size
    return {name: on_grid(value) for name, value in weights.items()}


def shifted(pictures: Array, random: np.random.Generator) -> Array:
    """Every second batch, moved by up to one pixel."""
    rows, columns = random.integers(-1, 2, 2)
    return np.roll(pictures, (rows, columns), (2, 3)) if random.random() < 0.5 else pictures


def accuracy(pictures: Array, labels: Labels, weights: Weights) -> float:
    """Share of pictures whose greatest logit is their label."""
    return float((forward(pictures, weights)["logits"].argmax(1) == labels).mean())


def as_onnx(weights: Weights) -> onnx.ModelProto:
    """Graph from ``image`` (N x 1 x 8 x 8, from 0 to 1) to ``logits`` (N x 10), in float32."""
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["image", "convolution_1", "convolution_1_bias"], ["sums_1"], **same),
        helper.make_node("Relu", ["sums_1"], ["maps_1"]),
        helper.make_node("Conv", ["maps_1", "convolution_2", "convolution_2_bias"], ["sums_2"], **same),
        helper.make_node("Relu", ["sums_2"], ["maps_2"]),
        helper.make_node("MaxPool", ["maps_2"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense_1", "dense_1_bias"], ["hidden_sums"], transB=1),
        helper.make_node("Relu", ["hidden_sums"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "dense_2", "dense_2_bias"], ["logits"], transB=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "digits", [image], [logits], stored)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="deployment-advisor")
    onnx.checker.check_model(model, full_check=True)
    return model


def quantised(file: Path, target: Path, pictures: Array) -> None:
    """Write the model in ``file`` with unsigned 8-bit signals and signed 8-bit weights (static QDQ)."""
    feeds = iter([{"image": picture[None].astype(np.float32)} for picture in pictures])

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(feeds, None)

    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(file, target, Reader(), quant_format=QuantFormat.QDQ, **kinds)


def right_in_int8(file: Path, pictures: Array, labels: Labels) -> float:
    """Share of pictures that the model in a file reads as their label."""
    session = InferenceSession(file, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": pictures.astype(np.float32)})
    return float((logits.argmax(1) == labels).mean())


def main(file: Path = DATA / "lab" / "digits.onnx") -> None:
    """Train, quantise, check both on the held-out pictures, write."""
    seen, labels = labelled_pictures("training")
    pictures = seen[:, None].astype(np.float64)
    weights = trained(pictures, labels)
    held_out, truth = labelled_pictures("held-out")
    unseen = held_out[:, None].astype(np.float64)
    with TemporaryDirectory() as folder:
        plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
        plain.write_bytes(as_onnx(weights).SerializeToString(deterministic=True))
        quantised(plain, small, pictures)
        reached = {plain: accuracy(unseen, truth, weights), small: right_in_int8(small, unseen, truth)}
        if min(reached.values()) < LEAST_ACCURACY:
            raise SystemExit(f"{reached} of the held-out pictures are right; below {LEAST_ACCURACY} nothing is written")
        for draft, target in ((plain, file), (small, file.with_stem(f"{file.stem}-int8"))):
            target.write_bytes(draft.read_bytes())
            print(
                f"{target}: {target.stat().st_size} bytes, {reached[draft]:.4f} of {len(truth)} held-out pictures right"
            )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
