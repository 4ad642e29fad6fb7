"""Deliberate faults, one a stage, and the tests that have to catch them: ``python tests/mutants.py``.

The checkout is copied to a temporary folder; the named tests have to pass there unchanged, and to fail with each fault.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("advisor", "data", "tests", "pyproject.toml")


class Mutant(NamedTuple):
    """A fault of one line, and the tests that catch it."""

    stage: str
    fault: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "capacity",
        "requests that wait are forgotten in the p99",
        "advisor/queue_model.py",
        "late = np.log(likely) - np.log1p(-q)",
        "late = np.log(likely) - np.log(q)",
        ("tests/test_capacity.py::test_response_agrees_with_simulation",),
    ),
    Mutant(
        "capacity",
        "clouds carry the traffic of one site alone",
        "advisor/question.py",
        "rates = np.array([peak, peak * asked.sites, peak * asked.sites])",
        "rates = np.array([peak, peak, peak])",
        ("tests/test_advise.py::test_clouds_carry_the_traffic_of_all_sites",),
    ),
    Mutant(
        "cost",
        "an unknown price becomes 0",
        "advisor/lines.py",
        "np.nan_to_num(usd) if item not in MAIN else usd",
        "np.nan_to_num(usd) if item not in MAIN else np.nan_to_num(usd)",
        ("tests/test_advise.py::test_an_unknown_price_is_never_zero_and_comes_after_every_price",),
    ),
    Mutant(
        "cost",
        "a surcharge is taken off",
        "advisor/cost.py",
        "taken_on = np.where(np.asarray(surcharge) == 0, 0.0, usd)",
        "taken_on = np.where(np.asarray(surcharge) == 0, 0.0, np.negative(usd))",
        ("tests/test_advise.py::test_machines_by_hand",),
    ),
    Mutant(
        "ranking",
        "utilities are worked out from the list at hand",
        "advisor/ranking.py",
        "np.divide(useful, decades, out=useful)",
        "np.divide(useful, np.nanmax(useful), out=useful)",
        (
            "tests/test_ranking.py::test_a_factor_of_ten_counts_an_eighth",
            "tests/test_advise.py::test_an_absurd_offer_leaves_the_order_of_the_others",
        ),
    ),
    Mutant(
        "ranking",
        "what does not fit stays in the ranking",
        "advisor/ranking.py",
        "key[stopped] = -np.inf",
        "key[stopped] = 0.0",
        ("tests/test_ranking.py::test_what_does_not_fit_is_never_first",),
    ),
    Mutant(
        "feasibility",
        "a need that is just met stops a stack",
        "advisor/feasibility.py",
        "self.need(rows) > self.have(rows)",
        "self.need(rows) >= self.have(rows)",
        ("tests/test_rules.py::test_examples_hold_in_the_comparison_that_judges_stacks",),
    ),
    Mutant(
        "feasibility",
        "government regions are open to all",
        "advisor/limits.py",
        'Limit("open-region", "machine", side(1), side(~rows.traits["government"]))',
        'Limit("open-region", "machine", side(1), side(1))',
        (
            "tests/test_advise.py::test_what_is_no_ordinary_machine_is_no_option",
            "tests/test_rules.py::test_every_rule_speaks_for_some_question",
        ),
    ),
    Mutant(
        "latency",
        "the faster roof decides",
        "advisor/latency.py",
        "np.fmax(compute_s, memory_s)",
        "np.fmin(compute_s, memory_s)",
        ("tests/test_latency.py::test_roofline_takes_the_slower_roof",),
    ),
    Mutant(
        "latency",
        "one MAC is one FLOP",
        "advisor/units.py",
        "FLOP_PER_MAC = 2.0",
        "FLOP_PER_MAC = 1.0",
        ("tests/test_modelspec.py::test_one_mac_is_two_flop",),
    ),
    Mutant(
        "model",
        "every head keeps its own keys and values",
        "advisor/modelspec.py",
        "heads = spec.heads if spec.kv_heads is None else spec.kv_heads",
        "heads = spec.heads",
        ("tests/test_modelspec.py::test_the_cache_holds_keys_and_values_of_every_layer",),
    ),
    Mutant(
        "joins",
        "price lists and hardware have to agree in their names",
        "advisor/joins.py",
        "for alias in (device.id, device.name, *device.aliases)",
        "for alias in (device.id, device.name)",
        ("tests/test_advise.py::test_machines_by_hand",),
    ),
    Mutant(
        "network",
        "the border of mainland China costs nothing",
        "advisor/network.py",
        '== "yes") != (country == "CN")',
        '== "yes") & (country == "DE")',
        ("tests/test_rules.py::test_every_rule_speaks_for_some_question",),
    ),
    Mutant(
        "lab",
        "a p99 is given from any sample",
        "advisor/lab/runs.py",
        "if n < needed_samples(q):",
        "if n < 1:",
        ("tests/test_lab.py::test_a_quantile_needs_as_many_samples_as_mlperf_asks",),
    ),
    Mutant(
        "lab",
        "a difference within the noise is told as one",
        "advisor/lab/ratios.py",
        "if low > 1 and middle > 1 + floor:",
        "if low > 1:",
        ("tests/test_lab_statistics.py::test_decisions",),
    ),
    Mutant(
        "requirements",
        "numbers below the least are taken",
        "advisor/requirements.py",
        'or value < bounds.get("least", float("-inf"))',
        "",
        ("tests/test_requirements.py::test_a_number_is_accepted_within_its_bounds_alone",),
    ),
    Mutant(
        "words",
        "a Chinese sentence loses its number",
        "data/text/zh.toml",
        "它有 {share} 的机会排第一",
        "它有机会排第一",
        ("tests/test_design.py::test_languages_agree_key_by_key_and_placeholder_by_placeholder",),
    ),
    Mutant(
        "view",
        "an unknown price is shown as 0",
        "advisor/numbers.py",
        'return sentence("value.unknown_price", lang)',
        'return "0"',
        ("tests/test_view.py::test_an_unknown_price_is_words_and_never_zero",),
    ),
    Mutant(
        "command line",
        "bad input counts as success",
        "advisor/cli.py",
        "return 2",
        "return 0",
        ("tests/test_cli.py::test_it_fails_with_one_line_from_another_folder",),
    ),
)


def passes(folder: Path, tests: tuple[str, ...]) -> bool:
    """Whether tests pass in a copy of the checkout."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} did not run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def caught(folder: Path, mutant: Mutant) -> bool:
    """Whether each named test fails once the fault is in."""
    path = folder / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(mutant.old, mutant.new, 1), encoding="utf-8")
    try:
        return not any(passes(folder, (test,)) for test in mutant.tests)
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> int:
    """Try every fault and print what became of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, folder / name)
        if not passes(folder, tuple(dict.fromkeys(test for mutant in MUTANTS for test in mutant.tests))):
            print("the named tests do not pass unchanged")
            return 1
        missed = 0
        for number, mutant in enumerate(MUTANTS, start=1):
            found = caught(folder, mutant)
            missed += not found
            print(f"{number:2}  {'caught' if found else 'MISSED'}  {mutant.stage:13} {mutant.fault}", flush=True)
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} faults caught")
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
