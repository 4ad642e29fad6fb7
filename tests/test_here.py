"""The machine in front of the user as a site: among the stacks, once, paid for; it sharpens other answers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from english_words import CHINESE, english_words
from test_lab_calibrating import MODELS, RATES, machine, run_of

from advisor import Advice, Requirements, advise, load, predict
from advisor.calibration import load_calibration
from advisor.cli import main
from advisor.effects import Traits, traits_of
from advisor.full_advice import FullAdvice
from advisor.knowledge import HERE
from advisor.lab import calibrate
from advisor.lab.calibrating import MachineCalibration
from advisor.modelspec import ModelSpec
from advisor.results import Option, Prediction, Refusal
from advisor.view.answer import Answer

SMALL, LARGE = MODELS[1], MODELS[4]
SLOWER = 1.5
"""Times its prediction that one model takes on the machine."""


@cache
def record() -> MachineCalibration:
    """A machine of the pace of its kind, on which one model is slower than the others let expect."""
    pairs = machine("cpu-client", 1.0)
    spec, run = pairs[1]
    return calibrate([*pairs, (spec, run_of(spec, SLOWER * float(np.median(run.samples_s))))][2:] + pairs[:1], RATES)


@cache
def advice(qps: float = 1, p99_ms: float = 100, **wishes: object) -> FullAdvice:
    precisions = ("fp32",)
    asked = Requirements(model=SMALL, qps=qps, country="DE", p99_ms=p99_ms, precisions=precisions, **wishes)  # type: ignore[arg-type]
    return advise(asked, calibration=record())


def here(options: Sequence[Option]) -> Option:
    return next(option for option in options if option.system == HERE)


def test_the_machine_is_a_stack_of_its_own_and_nothing_has_to_be_bought() -> None:
    found = here(advice().shortlist)
    assert (found.site, found.family, found.replicas, found.device) == ("on-premises", "on-premises", 1, HERE)
    assert found.fidelity in ("calibrated", "measured")
    assert record().cpu in found.hardware
    assert found.usd_per_month is not None
    assert [line.item for line in found.bill] == ["electricity", "space"]
    assert {line.basis for line in found.bill} == {"estimate"}
    assert found.price_date == record().dated[:10]
    watts = load().devices["intel-xeon-ice-lake"].power or 0
    tariff, costs = 0.5, load().table("costs")
    most = 3 * watts * record().threads / 1000 * 730 * costs["pue"]["server_room"] * tariff
    assert 0 < found.usd_per_month < most


def test_without_a_measurement_there_is_no_such_stack() -> None:
    plain = advise(Requirements(model=SMALL, qps=1, country="DE", p99_ms=100))
    assert plain.before is None
    assert plain.before_and_after() is None
    assert not (plain.evaluation.found.machines.here).any()
    assert HERE not in {option.system for option in plain.shortlist}


def test_the_machine_is_there_once() -> None:
    busy = advice(qps=300)
    rejected = busy.rejected
    mine = rejected[rejected["id"].str.startswith(f"{HERE}/")]
    assert len(mine) > 0
    assert {"one-machine"} <= set(mine["rule"])
    one = mine[mine["rule"] == "one-machine"].iloc[0]
    assert one["need"] > 1
    assert one["have"] == 1


def test_what_was_measured_answers_for_itself() -> None:
    asked = Requirements(model=SMALL, qps=1, country="DE", p99_ms=100, precisions=("fp32",))
    found = here(advise(asked, calibration=record()).shortlist)
    measured = [one.p50_s for one in record().measured if one.model == SMALL.name]
    assert measured
    cells = advise(asked, calibration=record()).evaluation.measured
    classes = advise(asked, calibration=record()).evaluation.found.classes
    mine = [one for (row, _, _), one in cells.items() if classes[row].device == HERE]
    assert [one.mid_s for one in mine] == pytest.approx([float(np.median(measured))])
    assert found.p99_ms.mid > 1000 * float(np.median(measured))


def test_the_advice_before_has_the_machine_at_the_pace_of_its_kind() -> None:
    before, after = advice().before, advice()
    assert before is not None
    assert before.before is None
    assert np.array_equal(before.evaluation.found.run, after.evaluation.found.run)
    old, new = here(before.shortlist), here(after.shortlist)
    assert old.fidelity == "class"
    assert old.p99_ms.high / old.p99_ms.low > new.p99_ms.high / new.p99_ms.low


@pytest.mark.parametrize(
    ("device", "heard"), [("intel-xeon-ice-lake", True), ("raspberry-pi-5", True), ("nvidia-t4", False)]
)
def test_a_slow_model_is_expected_to_be_slow_on_other_processors_alone(device: str, heard: bool) -> None:
    base, sharpened = load_calibration(), record().calibration()
    kind = load().devices[device].kind
    plain, new = (
        calibration.lookup([device], [kind], ["fp32"], ["onnxruntime"], traits_of(SMALL))
        for calibration in (base, sharpened)
    )
    residual = next(one.residual for one in record().measured if one.model == SMALL.name)
    (terms,) = base.settings["transfer"]["lines"]
    assert residual > 0.1
    assert float(new.engine_factor[0] / plain.engine_factor[0]) == pytest.approx(
        np.exp(terms["share"] * residual) if heard else 1.0
    )
    narrower = float(np.log(new.high_factor[0]) / np.log(plain.high_factor[0]))
    assert narrower == pytest.approx(terms["narrowing"] if heard else 1.0)


def test_another_engine_on_this_machine_hears_it_too() -> None:
    base, sharpened = load_calibration(), record().calibration()
    kind = record().device.kind
    for engine, heard in (("openvino", True), ("onnxruntime", False)):
        plain, new = (
            calibration.lookup([HERE], [kind], ["fp32"], [engine], traits_of(SMALL))
            for calibration in (base, sharpened)
        )
        assert (float(new.engine_factor[0]) > 1.01 * float(plain.engine_factor[0])) == heard


@pytest.mark.parametrize("few", [1, 3])
def test_from_few_models_nothing_is_heard_elsewhere(few: int) -> None:
    assert MachineCalibration(**{**vars(record()), "measured": record().measured[:few]}).calibration().residuals == ()


def test_what_was_disturbed_neither_answers_nor_is_heard() -> None:
    disturbed = tuple(replace(one, interfered=True) for one in record().measured)
    machine = MachineCalibration(**{**vars(record()), "measured": disturbed})
    assert machine.calibration().residuals == ()
    asked = Requirements(model=SMALL, qps=1, country="DE", p99_ms=100, precisions=("fp32",))
    found = advise(asked, calibration=machine).evaluation
    assert [row for row, _, _ in found.measured if found.found.classes[row].device == HERE] == []


def test_a_model_that_was_not_measured_is_predicted_elsewhere_as_before() -> None:
    asked = (["intel-xeon-ice-lake"], ["cpu-server"], ["fp32"], ["onnxruntime"], Traits("cnn", "other", 3.3e6))
    base, sharpened = load_calibration().lookup(*asked), record().calibration().lookup(*asked)
    assert float(sharpened.engine_factor[0]) == float(base.engine_factor[0])
    assert float(sharpened.high_factor[0]) == float(base.high_factor[0])


def test_files_and_the_catalogue_count_the_same_model_alike() -> None:
    listed, read = Traits("cnn", "resnet", 25_557_032.0), Traits("detector", "resnet", 25_502_912.0)
    assert read.resembles(listed)
    assert not read.resembles(listed._replace(architecture="vgg"))
    assert not read.resembles(listed._replace(params=21e6))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_before_and_after_in_words(lang: str) -> None:
    table = advice().before_and_after(6, lang)
    assert table is not None
    assert len(table) == 6
    assert record().cpu in table.iloc[0, 0]
    assert not table.iloc[0, 1:].eq("").any()
    text = advice().explain(here(advice().shortlist).id, lang)
    assert record().cpu in text
    if lang == "zh":
        said = (table.to_string() + text).replace(record().cpu, "")
        assert CHINESE.search(said)
        assert english_words(said) == []


def test_the_date_is_that_of_the_calibration_of_the_machine() -> None:
    machine = MachineCalibration(**{**vars(record()), "dated": "2026-12-24T08:00:00+00:00"})
    other = ModelSpec("cnn", params=int(3e6), macs=6e8, name="other")
    asked = Requirements(model=other, qps=0.1, country="DE", p99_ms=20000, precisions=("fp32",))
    found = advise(asked, calibration=machine)
    stack = next(option for option in found.shortlist if option.system == HERE)
    (told,) = [line for line in found.explain(stack.id, "en").splitlines() if line.startswith("Latency")]
    assert "2026-12-24" in told
    assert found.calibrated not in told


def test_predict_answers_with_what_was_measured_here() -> None:
    said = predict(SMALL, HERE, precision="fp32", engine="onnxruntime", calibration=record())
    assert isinstance(said, Prediction)
    assert said.fidelity == "measured"
    assert said.latency_ms is not None
    (p50,) = [one.p50_s for one in record().measured if one.model == SMALL.name]
    assert said.latency_ms.mid == pytest.approx(1000 * p50)


def test_this_machine_answers_in_the_format_it_was_measured_in() -> None:
    said = predict(SMALL, HERE, precision="int8", engine="onnxruntime", calibration=record())
    assert isinstance(said, Refusal)
    asked = Requirements(model=SMALL, qps=1, country="DE", p99_ms=100)
    found = advise(asked, calibration=record())
    classes = found.evaluation.found.classes
    assert {klass.precision for klass in classes if klass.device == HERE} == {"fp32"}
    assert {klass.precision for klass in classes} > {"fp32", "int8"}


def test_the_json_stands_alone() -> None:
    saved = Advice.from_json(advice().to_json())
    assert here(saved.shortlist) == here(advice().shortlist)
    assert saved.before_and_after() is None


def test_the_page_shows_both() -> None:
    page = Answer()
    page.show(advice(), "en")
    assert record().cpu in page.changed.value
    page.show(advise(Requirements(model=SMALL, qps=1, country="DE", p99_ms=100)), "en")
    assert page.changed.value == ""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_takes_the_record(lang: str, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "machine.toml"
    file.write_text(record().to_toml(), encoding="utf-8")
    question = ["advise", "--model", "mobilenetv2", "--qps", "1", "--country", "DE", "--p99-ms", "200", "--lang", lang]
    assert main([*question, "--calibration", str(file)]) == 0
    assert record().cpu in capsys.readouterr().out
    assert main([*question, "--calibration", str(file), "--json"]) == 0
    assert any(option["system"] == HERE for option in json.loads(capsys.readouterr().out)["options"])
    assert main([*question, "--calibration", str(tmp_path / "nowhere.toml")]) == 2


def test_a_large_model_on_a_machine_of_one_thread() -> None:
    """The machine of a Binder: one thread, one gigabyte."""
    small = record()
    tight = MachineCalibration(
        **{**vars(small), "threads": 1.0, "device": small.device.model_copy(update={"memory_bytes": 1e9})}
    )
    spec = ModelSpec("vit", params=int(4e8), macs=LARGE.macs, name="large")
    found = advise(
        Requirements(model=spec, qps=0.1, country="DE", p99_ms=60000, precisions=("fp32",)), calibration=tight
    )
    rejected = found.rejected
    mine = rejected[rejected["id"].str.startswith(f"{HERE}/")]
    assert "memory" in set(mine["rule"])
