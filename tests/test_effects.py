"""Effects of architecture, family, engine and device: by hand, and what physics demands of the packed ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import DeviceSpec, ModelSpec, load, predict
from advisor.calibration import load_calibration
from advisor.effects import COLUMNS, Effects, Traits, architecture
from advisor.results import Prediction

CENTRES = {"params": 1e7, "activations_per_mac": 0.01}
ENTRY = dict(zip(COLUMNS, ("gpu", "t4", "fp16", "ort", "cnn", "resnet", "known", "latency"), strict=True))
DEVICES = sorted(device.id for device in load().devices.values() if device.peak and device.kind != "mcu")
FAMILIES = ("cnn", "detector", "vit", "nlp-encoder")
NAMES = ("ResNet-50", "EfficientNet-B0", "yolov8n", "vit_base", "something of one's own")


def of(effects: Effects, params: float, activations: float) -> tuple[float, float]:
    columns = {name: [value] for name, value in ENTRY.items()}
    whole, work = effects.of(columns, np.array([params]), np.array([activations]))
    return float(whole[0]), float(work[0])


def test_effects_by_hand() -> None:
    effects = Effects(
        {
            ("factor", "family", "cnn"): np.log(2.0),
            ("factor", "architecture+kind", "resnet+gpu"): np.log(3.0),
            ("factor", "architecture+kind", "vgg+gpu"): 9.0,
            ("params", "kind", "gpu"): 0.5,
            ("activations", "", ""): 0.25,
            ("activations", "engine", "ort"): 0.25,
        },
        CENTRES,
    )
    whole, work = of(effects, params=4e7, activations=0.09)
    assert whole == pytest.approx(2 * 3 * 4**0.5)
    assert work == pytest.approx(9**0.5)


def test_what_is_unknown_stands_at_the_centre() -> None:
    effects = Effects({("params", "kind", "gpu"): 0.5, ("activations", "", ""): 0.5}, CENTRES)
    assert of(effects, float("nan"), float("nan")) == (1.0, 1.0)
    assert of(Effects({}, CENTRES), 4e7, 0.09) == (1.0, 1.0)


@pytest.mark.parametrize(("exponent", "kept"), [(-0.7, 0.0), (0.4, 0.4), (1.8, 1.0)])
def test_the_exponent_is_kept_where_more_work_takes_no_less_time(exponent: float, kept: float) -> None:
    effects = Effects({("activations", "", ""): exponent}, CENTRES)
    assert of(effects, 1e7, 0.1)[1] == pytest.approx(10**kept)


@pytest.mark.parametrize(
    ("name", "word"),
    [("ResNet-50", "resnet"), ("timm:vit_base_patch16_224", "vit"), ("YOLOv5s", "yolov"), ("digits.onnx", "digits"),
     ("", ""), ("通义", ""), ("3D-UNet", "d")],
)  # fmt: skip
def test_relatives_share_the_first_word_of_their_names(name: str, word: str) -> None:
    assert architecture(name) == word


def middle_ms(device: str | DeviceSpec, *, batch: int = 1, macs: float = 4e9, family: str, name: str) -> float:
    spec = ModelSpec(family=family, params=25e6, macs=macs, name=name)
    said = predict(spec, device, batch=batch)
    assert isinstance(said, Prediction)
    assert said.latency_ms is not None
    return said.latency_ms.mid


asked = given(
    st.sampled_from(DEVICES),
    st.sampled_from(FAMILIES),
    st.sampled_from(NAMES),
    st.floats(1e7, 1e11),
    st.floats(1.0, 50),
)


@asked
def test_more_macs_are_never_faster(device: str, family: str, name: str, macs: float, factor: float) -> None:
    less, more = (middle_ms(device, macs=work, family=family, name=name) for work in (macs, macs * factor))
    assert more >= less * (1 - 1e-9)


@asked
def test_a_larger_batch_never_has_less_throughput(
    device: str, family: str, name: str, macs: float, factor: float
) -> None:
    small, large = (middle_ms(device, macs=macs, batch=b, family=family, name=name) / b for b in (4, int(4 * factor)))
    assert large <= small * (1 + 1e-9)


@given(
    st.sampled_from(["gpu-datacenter", "cpu-server", "edge-npu", "cpu-edge-arm"]), st.sampled_from(FAMILIES),
    st.sampled_from(NAMES), st.floats(1e11, 1e14), st.floats(1.0, 20), st.floats(1.0, 20),
)  # fmt: skip
def test_a_faster_device_of_a_class_is_never_slower(
    kind: str, family: str, name: str, peak: float, faster: float, wider: float
) -> None:
    slow, fast = (
        DeviceSpec(
            kind=kind, peak_flop_per_s={"fp16": peak * f}, bandwidth_bytes_per_s=peak / 100 * w, memory_bytes=64e9
        )
        for f, w in ((1, 1), (faster, wider))
    )
    assert middle_ms(fast, family=family, name=name) <= middle_ms(slow, family=family, name=name) * (1 + 1e-9)


def test_architectures_of_one_size_differ_on_a_measured_device() -> None:
    models = [Traits("cnn", "resnet", 2e7), Traits("cnn", "efficientnet", 2e7), Traits("vit", "vit", 2e7)]
    found = load_calibration().lookup(
        ["nvidia-rtx-3090"] * 3, ["gpu-consumer"] * 3, ["fp16"] * 3, ["pytorch"] * 3, models
    )
    resnet, efficientnet, vit = found.engine_factor
    assert vit < resnet < efficientnet
