"""Columns of every stage for one question, kept together until somebody looks at a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from advisor.anchors import Cell
from advisor.columns import Bill, ClassColumns, Column, Network, Plan, Sized, Stacks
from advisor.feasibility import Limit
from advisor.knowledge import Knowledge
from advisor.ledger import Ledger
from advisor.published import Answer
from advisor.question import Question
from advisor.ranking import Criterion


@dataclass(frozen=True)
class Evaluation:
    """Columns of every stage for one question."""

    knowledge: Knowledge
    asking: Question
    found: Stacks
    trips: Network
    columns: ClassColumns
    fidelity: NDArray[np.object_]
    """Of the predictions for the service classes."""
    measured: Mapping[Cell, Answer]
    """What was measured, in the place of predictions."""
    calibrated: str
    """Date of the calibration."""
    plan: Plan
    sized: Sized
    ledger: Ledger
    bill: Bill
    limits: Sequence[Limit]
    conditions: Sequence[Limit]
    mask: NDArray[np.uint32]
    """Rules that stop each candidate."""
    criteria: Mapping[str, Criterion]
    score: Column

    @cached_property
    def measurements(self) -> Sequence[Answer | None]:
        """Measurement behind every queue, if its service time was measured."""
        batches = list(self.knowledge.table("serving")["batches"])
        cells = self.sized.cells
        return [
            self.measured.get((int(klass), int(shape), batches.index(batch))) if batch in batches else None
            for klass, shape, batch in zip(cells.klass, cells.shape, cells.batch, strict=True)
        ]

    @cached_property
    def fidelities(self) -> NDArray[np.object_]:
        """Fidelity of every queue."""
        predicted = self.fidelity[self.sized.cells.klass]
        answered = np.array([one is not None for one in self.measurements], bool)
        return np.where(answered, "measured", predicted)
