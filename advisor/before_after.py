"""What a measurement on the user's machine changed: stacks before and after it, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from advisor.candidates import candidate_at
from advisor.evaluation import Evaluation
from advisor.machine_calibration import ENGINE, PRECISION
from advisor.money import dated_cell
from advisor.numbers import interval_text
from advisor.report import stack_name, worded
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd


def stacks_here(evaluation: Evaluation) -> list[int]:
    """Rows on the user's machine: the most promising stack, and the one of the engine and format that was measured.

    The most promising has the fewest rules against it, then the best score.
    """
    found = evaluation.found
    rows = np.flatnonzero(found.machines.here[found.run_machine[found.run]])
    order = np.lexsort((-evaluation.score[rows], np.bitwise_count(evaluation.mask[rows])))
    ranked = rows[order]
    measured = [klass.engine == ENGINE and klass.precision == PRECISION for klass in found.classes]
    own = ranked[np.array(measured, bool)[found.run_class[found.run[ranked]]]]
    return [int(row) for row in (*ranked[:1], *own[:1])]


def changes_table(before: Evaluation, after: Evaluation, rows: Sequence[int], lang: str) -> "pd.DataFrame":
    """Stacks in words, each with what is said of it before and after.

    Parameters
    ----------
    before, after : Evaluation
        Of one question and of the same stacks, so that a row is the same stack in both.
    rows : sequence of int
        Stacks that are shown, in order.
    lang : str
        Language id.
    """
    import pandas as pd

    lines = []
    for row in rows:
        told = {f"{part}_{when}": text for when, ev in (("before", before), ("after", after))
                for part, text in _told(ev, row, lang).items()}  # fmt: skip
        lines.append({"option": stack_name(candidate_at(after, row), lang), **told})
    parts = ("p99", "verdict", "cost", "fidelity")
    table = pd.DataFrame(
        lines, columns=["option", *(f"{part}_{when}" for part in parts for when in ("before", "after"))]
    )
    return table.rename(columns=lambda name: sentence(f"column.{name}", lang))


def _told(evaluation: Evaluation, row: int, lang: str) -> dict[str, str]:
    """What an evaluation says of a stack."""
    one = candidate_at(evaluation, row)
    cell = int(evaluation.sized.cell[evaluation.found.run[row]])
    code = "no" if not one.fits else "conditions" if one.reasons else "fits"
    verdict = sentence(f"verdict.{code}", lang)
    why = "" if one.fits else worded(evaluation.knowledge, one.reasons, "fails", lang)
    return {
        "p99": interval_text(one.p99_ms, lang, bare=True),
        "verdict": sentence("report.verdict_why", lang, verdict=verdict, why=why) if why else verdict,
        "cost": dated_cell(one, lang) if one.fits else sentence("value.none", lang),
        "fidelity": sentence(f"fidelity.{evaluation.fidelities[cell]}", lang),
    }
