"""Published measurements that are packed: permissive, sourced, dated, and those that the coefficients came from."""

import hashlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "benchmarks")]

import accuracy  # noqa: E402
import measured_rows  # noqa: E402
import slim_measured  # noqa: E402

from advisor import load  # noqa: E402
from advisor.measured_models import activations_per_mac  # noqa: E402

MEASURED = ROOT / "data" / "measured"
CALIBRATIONS = ROOT / "data" / "calibrations"
SAMPLE = Path(__file__).parent / "data" / "measured-small"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return measured_rows.published(MEASURED)


@pytest.fixture(scope="module")
def settings() -> dict:
    return tomllib.loads((CALIBRATIONS / "settings.toml").read_text(encoding="utf-8"))


def test_every_row_is_permissive_and_has_a_source_and_a_date(rows: pd.DataFrame, settings: dict) -> None:
    assert measured_rows.permissive(rows["licence"], settings["licence"]).all()
    assert (rows["measured_s"] > 0).all()
    for name in ("source", "date", "device", "model_key", "metric"):
        assert rows[name].notna().all(), name


def test_every_row_is_of_the_network_that_it_names(rows: pd.DataFrame, settings: dict) -> None:
    assert measured_rows.as_named(rows["source"], settings["open_division"]).all()


def test_coefficients_came_from_these_very_files() -> None:
    stated = tomllib.loads((CALIBRATIONS / "latency.toml").read_text(encoding="utf-8"))
    for name, paths in {
        "rows": measured_rows.row_files(MEASURED),
        "devices": [MEASURED / "devices.csv"],
        "models": [MEASURED / "models.csv"],
    }.items():
        assert stated[f"sha256_{name}"] == hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest()


def test_every_source_is_a_small_file_of_its_own(rows: pd.DataFrame) -> None:
    files = measured_rows.row_files(MEASURED)
    assert len(files) > 30
    assert sum(path.stat().st_size for path in MEASURED.iterdir()) < 1_000_000
    assert len(rows) == sum(len(pd.read_csv(path)) for path in files)


def test_a_slim_copy_leaves_out_what_may_not_enter_and_is_the_same_each_time(tmp_path: Path, settings: dict) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for name in ("devices.csv", "models.csv"):
        (given / name).write_bytes((SAMPLE / name).read_bytes())
    sample = pd.read_csv(SAMPLE / "judged.csv").assign(notes="macts_m=2.5")
    tainted = sample.assign(licence="AGPL-3.0 repo (facts only)", source_id="copyleft")
    pd.concat([tainted, sample]).to_csv(given / "judged.csv", index=False)
    counts = slim_measured.write(given, tmp_path / "one")
    assert "copyleft" not in counts
    slim_measured.write(given, tmp_path / "two")
    assert {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()
    }
    kept = measured_rows.published(tmp_path / "one")
    enters = measured_rows.permissive(sample["licence"], settings["licence"])
    changed = ~measured_rows.as_named(sample["source"], settings["open_division"])
    assert (enters & changed).sum() == 1
    assert len(kept) == sum(counts.values()) == enters.sum() - 1
    assert set(kept["notes"]) == {"macts_m=2.5"}


@pytest.mark.parametrize("part", range(accuracy.PARTS))
def test_what_a_part_hides_is_nowhere_in_what_it_keeps(rows: pd.DataFrame, part: int) -> None:
    what = accuracy.hidden(rows, part)
    kept = rows[what.eq(accuracy.KEPT)]
    for hidden, name in (("unseen_device", "device"), ("unseen_model", "model_key")):
        assert not set(rows.loc[what.isin([hidden, "both"]), name]) & set(kept[name])
    assert set(rows.loc[what.eq("unseen_device"), "model_key"]) - set(kept["model_key"]) < set(rows["model_key"])
    assert 0.4 < len(kept) / len(rows) < 0.9


def test_every_device_is_hidden_by_one_part(rows: pd.DataFrame) -> None:
    times = sum(
        accuracy.hidden(rows, part).isin(["unseen_device", "both"]).astype(int) for part in range(accuracy.PARTS)
    )
    assert set(times) == {1}


def known(factor: float, overhead_s: float) -> pd.DataFrame:
    roof = np.linspace(1e-3, 1e-1, 20)
    return pd.DataFrame({"device": "a", "device_class": "c", "format": "fp16", "roof_s": roof,
                         "measured_s": factor * roof + overhead_s})  # fmt: skip


def test_baselines_find_what_is_there() -> None:
    asked = known(3.0, 0.01)
    assert accuracy.one_factor(known(3.0, 0.0), asked) == pytest.approx(3.0 * asked["roof_s"])
    assert accuracy.factor_and_overhead(known(3.0, 0.01), asked) == pytest.approx(asked["measured_s"])
    elsewhere = asked.assign(device="b")
    assert accuracy.one_factor(known(3.0, 0.0), elsewhere) == pytest.approx(3.0 * asked["roof_s"])


def test_activations_come_from_the_row_then_the_record_then_the_table() -> None:
    rows = pd.DataFrame(
        {
            "model": ["resnet50", "resnet50", "ncnn:resnet50", "mnasnet0_5", "nobody's net"],
            "notes": ["macts_m=8.22", "", "", "", ""],
            "gmacs": [4.11, 4.11, 4.11, 0.1, 1.0],
        }
    )
    found = activations_per_mac(rows, load().models).tolist()
    record = load().models["resnet50"]
    table = pd.read_csv(MEASURED / "activations.csv").set_index("model").loc["mnasnet0_5"]
    assert found[0] == pytest.approx(0.002)
    assert found[1] == found[2] == pytest.approx(record.activations / record.macs)
    assert found[3] == pytest.approx(table["activations_m"] / table["gmacs"] / 1000)
    assert np.isnan(found[4])


def test_every_line_of_the_activations_has_a_source_and_a_date() -> None:
    table = pd.read_csv(MEASURED / "activations.csv")
    assert table.notna().all(axis=None)
    assert not table["model"].duplicated().any()
    assert (table[["activations_m", "gmacs"]] > 0).all(axis=None)
