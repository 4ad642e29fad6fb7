"""300 hostile or broken model files: each is one clear sentence, or a run, and leaves the notebook usable."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from hostile_models import COUNT, hostile_files
from test_lab import children

from advisor.errors import AdvisorError
from advisor.lab import Run, jobs, measure, zoo
from advisor.text import languages

LIMITS_S = {"start": 120, "load": 8, "first_run": 4, "measure": 8}
MEMORY = "700 MB"
AT_ONCE = 3
LONGEST = 600
NOISE = ("Traceback", "/onnxruntime_src/", "[ONNXRuntimeError]", ".. ")
"""Parts of no clear sentence."""


class Outcome(NamedTuple):
    """What became of one file."""

    result: Run | Exception
    seconds: float

    @property
    def code(self) -> str:
        return self.result.code if isinstance(self.result, AdvisorError) else type(self.result).__name__


def tried(path: Path) -> Outcome:
    start = time.monotonic()
    result: Run | Exception
    try:
        result = measure(path, seconds=0.1, bursts=2, memory_limit=MEMORY)
    except Exception as error:  # noqa: BLE001  # that nothing else comes out is what is tested
        result = error
    return Outcome(result, time.monotonic() - start)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """Outcome of every file, measured with short limits."""
    files = hostile_files(tmp_path_factory.mktemp("hostile"), zoo.path("digits").read_bytes())
    table = json.loads(json.dumps(jobs.settings()))
    table["child"]["limits_s"] = LIMITS_S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "settings", lambda: table)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            yield dict(zip(files, threads.map(tried, files.values()), strict=True))


def test_each_file_is_one_sentence_or_a_run(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes) == COUNT
    strange = {
        name: repr(each.result) for name, each in outcomes.items() if not isinstance(each.result, AdvisorError | Run)
    }
    assert strange == {}
    for name, each in outcomes.items():
        if isinstance(each.result, AdvisorError):
            for lang in languages():
                words = each.result.in_language(lang)
                assert words == " ".join(words.split()), name
                assert len(words) < LONGEST, name
                assert not [noise for noise in NOISE if noise in words], name
                assert "hostile.onnx" in words or each.code in ("measure_input", "measure_batch"), name


def test_each_file_is_answered_within_the_limits(outcomes: dict[str, Outcome]) -> None:
    most_s = sum(LIMITS_S.values())
    assert [name for name, each in outcomes.items() if each.seconds > most_s] == []


def test_no_file_leaves_a_process_and_the_lab_still_measures(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes) == COUNT
    assert not children()
    assert len(measure("digits", seconds=0.2).samples_s) > 0


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("loops: still", {"measure_late_first_run", "measure_late_load"}),
        ("loops: of a constant", {"measure_late_first_run", "measure_late_load"}),
        ("loops: growing", {"measure_memory", "measure_runtime", "measure_late_first_run"}),
        ("large: fill (10000, 100000) False", {"measure_memory", "measure_late_first_run"}),
        ("large: fill (25000000000,) False", {"measure_memory", "measure_runtime", "measure_late_first_run"}),
        ("external: missing", {"external_weights_missing"}),
        ("external: above", {"external_weights_outside"}),
        ("external: link", {"external_weights_outside"}),
        ("operators: custom", {"measure_runtime"}),
        ("operators: unknown", {"measure_runtime"}),
        ("versions: opset 9999", {"measure_runtime"}),
        ("formats: text", {"measure_input"}),
        ("other files: zip bomb", {"model_file_unreadable"}),
        ("other files: empty", {"model_file_empty"}),
    ],
)
def test_the_sentence_says_what_is_wrong(name: str, codes: set[str], outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].code in codes


def test_files_of_every_kind_fail(outcomes: dict[str, Outcome]) -> None:
    counts = Counter(each.code for each in outcomes.values())
    assert len(counts) >= 8, counts
    assert counts["Run"] < COUNT / 2, counts
