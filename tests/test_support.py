"""Far beyond everything that was measured there is no prediction, and of an unmeasured family a wider one."""

import numpy as np
import pytest

from advisor import ModelSpec, load, predict
from advisor.calibration import load_calibration
from advisor.cli import main
from advisor.effects import Traits
from advisor.results import Prediction, Refusal

SUPPORT = load().table("calibrations/latency")["support"]
MARGIN = load().table("calibrations/settings")["support"]["margin"]


def net(macs: float) -> ModelSpec:
    return ModelSpec("cnn", params=1_000_000, macs=macs)


@pytest.mark.parametrize(("end", "sign"), [("macs_least", -1), ("macs_most", 1)])
def test_work_is_predicted_up_to_the_margin_and_no_farther(end: str, sign: int) -> None:
    edge = SUPPORT[end] * MARGIN**sign
    inside, outside = (predict(net(edge * factor**sign), "nvidia-t4") for factor in (0.99, 1.01))
    assert isinstance(inside, Prediction)
    assert isinstance(outside, Refusal)
    assert outside.code == "beyond"
    assert dict(outside.numbers)["field"] == "macs"


@pytest.mark.parametrize(
    ("model", "field", "sizes"),
    [
        ("resnet50", "batch", {"batch": 10_000_000}),
        ("llama-3-8b", "input_tokens", {"input_tokens": 2_000_000_000}),
        ("llama-3-8b", "concurrency", {"concurrency": 10_000_000}),
    ],
)
def test_the_first_figure_beyond_is_named(model: str, field: str, sizes: dict[str, int]) -> None:
    found = predict(model, "nvidia-h100-80gb", precision="fp16", **sizes)
    assert isinstance(found, Refusal)
    assert (found.code, dict(found.numbers)["field"]) == ("beyond", field)


@pytest.mark.parametrize("sizes", [{"input_tokens": 1}, {"concurrency": 1}, {"output_tokens": 1}])
def test_small_counts_are_no_reason_to_refuse(sizes: dict[str, int]) -> None:
    assert isinstance(predict("llama-3-8b", "nvidia-h100-80gb", **sizes), Prediction)


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "too far from anything that was measured"), ("zh", "离所有实测都太远")]
)
def test_the_command_says_why_in_both_languages(lang: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["predict", "--model", "resnet50", "--device", "nvidia-t4", "--batch", "10000000", "--lang", lang]
    assert main(asked) == 1
    assert words in capsys.readouterr().out


def test_a_family_of_which_nothing_was_measured_has_a_wider_interval_and_is_not_calibrated() -> None:
    calibration = load_calibration()
    assert not calibration.effects.measured("recsys")

    def of(family: str) -> tuple[float, float, int]:
        found = calibration.lookup(["nvidia-t4"], ["gpu-datacenter"], ["fp16"], [""], Traits(family))
        return found.low_factor.item(), found.high_factor.item(), found.fidelity.item()

    known, strange = of("cnn"), of("recsys")
    widening = calibration.settings["widening"]["unmeasured_family"]
    assert strange[1] == pytest.approx(np.exp(np.hypot(np.log(known[1]), np.log(widening))))
    assert strange[0] == pytest.approx(np.exp(-np.hypot(np.log(known[0]), np.log(widening))))
    assert (known[2], strange[2]) == (1, 2)
