"""Advice with every candidate behind it: the columns of all stages, worked out as far as somebody looks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from advisor import feasibility, ranking
from advisor.advice import Advice
from advisor.before_after import changes_table, stacks_here
from advisor.bills import cost_interval
from advisor.breakeven import BreakEven
from advisor.candidates import candidate_at, cheaper_miss
from advisor.columns import HIGH, MID, Column, FloatArray, IntArray, Stacks
from advisor.document import FORMAT, Asked, Document, FamilyVerdict, to_json
from advisor.evaluation import Evaluation
from advisor.evidence import evidence_of
from advisor.explain import fitting_lines, stopped_lines
from advisor.options import families_of, option_at, option_ids
from advisor.options_frame import options_frame
from advisor.question import asked_of
from advisor.rejections import rejected_table
from advisor.requirements import Requirements
from advisor.results import Option
from advisor.rivals import rivalry
from advisor.schema import FAMILIES
from advisor.text import preferred_language
from advisor.what_if import what_ifs

if TYPE_CHECKING:
    import pandas as pd

_SIGMAS_OF_80_PERCENT = 1.2816


class FullAdvice(Advice):
    """Ranked deployment stacks for one question.

    Parameters
    ----------
    evaluation : Evaluation
        What the stages worked out; options are made of it when somebody looks at them.
    again : callable
        Answers another question with the same knowledge and calibration.
    of : callable
        What the stages say of some of the stacks for another question on the same model.
    before : callable, optional
        Answers this question without what was measured on the user's machine.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        again: Callable[[Requirements], "FullAdvice"],
        of: Callable[[Requirements, Stacks], Evaluation],
        before: Callable[[], "FullAdvice"] | None = None,
    ) -> None:
        self.evaluation = evaluation
        self.knowledge = evaluation.knowledge
        self._again = again
        self._of = of
        self._before = before

    @cached_property
    def before(self) -> "FullAdvice | None":
        """Advice without what was measured on the user's machine; None where nothing was."""
        return None if self._before is None else self._before()

    def before_and_after(self, n: int = 10, lang: str | None = None) -> "pd.DataFrame | None":
        """See :meth:`Advice.before_and_after`: that machine, both first choices, then the shortlist."""
        if self.before is None:
            return None
        rows = dict.fromkeys([*stacks_here(self.evaluation), *self._kinds[:1], *self.before._kinds[:1], *self._kinds])
        return changes_table(self.before.evaluation, self.evaluation, list(rows)[:n], lang or preferred_language())

    @cached_property
    def document(self) -> Document:
        """Everything that is handed on, what would change the first choice included; asks some twenty questions."""
        changes = what_ifs(
            self.asked, self.best, lambda asked: self._again(asked).best, self.knowledge.table("what_if")
        )
        return replace(self.answer, what_if=tuple(changes))

    @cached_property
    def answer(self) -> Document:
        """Everything that is handed on but what would change the first choice."""
        ev, best = self.evaluation, self.best
        miss = cheaper_miss(ev, best.usd_per_month if best else None)
        return Document(
            format=FORMAT,
            made=datetime.now(UTC).date().isoformat(),
            asked=self.asked.model_dump(mode="json"),
            question=self.question,
            calibrated=self.calibrated,
            best=best,
            options=self.shortlist,
            kinds=self.kinds,
            families=self.verdicts,
            cost=None if best is None else cost_interval(ev, self._kinds[0], best),
            cheaper=None if miss is None else candidate_at(ev, miss),
            what_if=None,
            evidence=evidence_of(ev, self.shortlist),
        )

    def to_json(self, *, what_if: bool = False) -> str:
        """See :meth:`Advice.to_json`."""
        return to_json(self.document if what_if else self.answer)

    def break_even(
        self, first: str | None = None, second: str | None = None, *, axis: str = "qps", lang: str | None = None
    ) -> BreakEven:
        """Where one of two ways of serving becomes the cheaper one; see :func:`advisor.rivals.rivalry`."""
        lang = lang or preferred_language()
        return rivalry(self.evaluation, self._of, self._kinds, first=first, second=second, axis=axis, lang=lang)

    @property
    def asked(self) -> Requirements:
        """The requirements that were asked."""
        return self.evaluation.asking.asked

    @cached_property
    def question(self) -> Asked:
        """What was asked, every open wish filled."""
        return asked_of(self.evaluation.asking)

    @property
    def calibrated(self) -> str:
        """Date of the calibration of the latency model."""
        return self.evaluation.calibrated

    @property
    def kinds(self) -> int:
        """Kinds of stack that fit, as many as the shortlist holds at most."""
        return len(self._kinds)

    @cached_property
    def best(self) -> Option | None:
        """First choice, or None where nothing fits."""
        return option_at(self.evaluation, self._kinds[0], p_best=float(self._p_best[0])) if self._kinds else None

    @cached_property
    def shortlist(self) -> tuple[Option, ...]:
        """Best stack of every kind (platform and device), in rank order."""
        return tuple(
            option_at(self.evaluation, row, p_best=float(p)) for row, p in zip(self._kinds, self._p_best, strict=True)
        )

    @cached_property
    def verdicts(self) -> tuple[FamilyVerdict, ...]:
        """Best stack or nearest miss of each of the six families."""
        return tuple(
            FamilyVerdict(family, None if row is None else candidate_at(self.evaluation, row))
            for family, row in self.family_rows.items()
        )

    @cached_property
    def _p_best(self) -> FloatArray:
        return self._probability_best(self._kinds) if self._kinds else np.zeros(0)

    @cached_property
    def _key(self) -> Column:
        """Rank key of every candidate, minus infinity where it does not fit."""
        ev = self.evaluation
        unknown = (~ev.bill.known).astype(np.int8) + np.isnan(ev.bill.usd_per_month)
        return ranking.rank_key(ev.score, unknown_cost=unknown, stopped=ev.mask != 0)

    @cached_property
    def _block_best(self) -> Column:
        start = self.evaluation.found.block_start
        return np.maximum.reduceat(self._key, start) if len(start) else np.zeros(0)

    def _best_of_block(self, block: int) -> int:
        start = self.evaluation.found.block_start
        end = start[block + 1] if block + 1 < len(start) else len(self._key)
        return int(start[block] + self._key[start[block] : end].argmax())

    @cached_property
    def _kinds(self) -> list[int]:
        """Best candidate of every kind that fits, best first, as many as the shortlist holds."""
        found = self.evaluation.found
        size = self.evaluation.knowledge.table("ranking")["uncertainty"]["shortlist"]
        seen: set[tuple[int, int]] = set()
        rows: list[int] = []
        for block in np.argsort(-self._block_best, kind="stable"):
            if len(rows) >= size or not np.isfinite(self._block_best[block]):
                break
            first = found.block_start[block]
            kind = (int(found.platform[first]), int(self.evaluation.columns.device[found.run_class[found.run[first]]]))
            if kind not in seen:
                seen.add(kind)
                rows.append(self._best_of_block(int(block)))
        return rows

    def _probability_best(self, rows: Sequence[int]) -> FloatArray:
        ev = self.evaluation
        settings = ev.knowledge.table("ranking")
        run = ev.found.run[np.array(rows)]
        klass = ev.found.run_class[run]
        estimated = ev.found.machines.basis[ev.found.run_machine[run]] == "estimate"
        several = ev.sized.replicas[run] > 1
        service_s = ev.sized.cells.service_s
        latency = (np.log(service_s[HIGH] / service_s[MID]) / _SIGMAS_OF_80_PERCENT)[ev.sized.cell[run]]
        price = np.where(estimated, settings["uncertainty"]["estimate_log_sd"], 0.0)
        return ranking.probability_best(
            ev.score[np.array(rows)],
            latency_log_sd=latency,
            cost_log_sd=np.hypot(price, np.where(several, latency, 0.0)),
            source=ev.columns.device[klass].tolist(),
            weights=ev.asking.asked.weights,
            settings=settings,
        )

    @cached_property
    def options(self) -> "pd.DataFrame":
        """Every stack that fits, in rank order."""
        return options_frame(self.evaluation, self._key)

    @cached_property
    def family_rows(self) -> dict[str, int | None]:
        """Best candidate of every family, or its nearest miss; None where the family has no candidate."""
        ev = self.evaluation
        start = ev.found.block_start
        stops = np.bitwise_count(ev.mask)
        fewest = np.minimum.reduceat(stops, start) if len(start) else np.zeros(0)
        of_block = [families_of(ev, int(first)) for first in start]
        rows: dict[str, int | None] = {}
        for family in FAMILIES:
            blocks = np.array([block for block, families in enumerate(of_block) if family in families], np.intp)
            if not len(blocks):
                rows[family] = None
            elif np.isfinite(self._block_best[blocks]).any():
                rows[family] = self._best_of_block(int(blocks[self._block_best[blocks].argmax()]))
            else:
                rows[family] = self._nearest_miss(blocks[fewest[blocks] == fewest[blocks].min()], stops)
        return rows

    def _nearest_miss(self, blocks: IntArray, stops: NDArray[np.uint8]) -> int:
        """Candidate with the fewest stops that misses its worst rule by the smallest factor."""
        ev = self.evaluation
        bounds = np.append(ev.found.block_start, len(ev.mask))
        rows = [int(bounds[b] + stops[bounds[b] : bounds[b + 1]].argmin()) for b in blocks]
        return min(rows, key=self._worst_ratio)

    def _worst_ratio(self, row: int) -> float:
        short = feasibility.shortfalls(self.evaluation.limits, self.evaluation.found, row)
        return max(one.need / one.have if one.have > 0 else np.inf for one in short)

    def _row_of(self, option_id: str) -> int | None:
        """Candidate with an id."""
        found = self.evaluation.found
        rows = np.flatnonzero(option_ids(found, np.arange(len(found))) == option_id)
        return int(rows[0]) if len(rows) else None

    def _option_beyond(self, option_id: str) -> Option | None:
        """A stack that fits and is not on the shortlist."""
        row = self._row_of(option_id)
        return None if row is None or self.evaluation.mask[row] else option_at(self.evaluation, row, p_best=0.0)

    def _explained_beyond(self, option_id: str, lang: str) -> Iterator[str]:
        """Sentences on any other stack of the evaluation."""
        ev, row = self.evaluation, self._row_of(option_id)
        if row is None:
            raise self._unknown(option_id, lang)
        if ev.mask[row]:
            return stopped_lines(candidate_at(ev, row), self.knowledge, lang)
        return fitting_lines(option_at(ev, row, p_best=0.0), self.knowledge, lang)

    @cached_property
    def rejected(self) -> "pd.DataFrame":
        """Stacks that do not fit, nearest first: rule, need, what there is, margin, and the flip of the first rows."""
        return rejected_table(self.evaluation, preferred_language())
