"""Columns of every stage for one question, kept together until somebody looks at a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.columns import Bill, ClassColumns, Column, FloatArray, Network, Plan, Sized, Stacks
from advisor.feasibility import Limit
from advisor.knowledge import Knowledge
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
    calibrated: str
    """Date of the calibration."""
    latency_log_sd: FloatArray
    """Of the service classes, natural logarithm."""
    plan: Plan
    sized: Sized
    bill: Bill
    limits: Sequence[Limit]
    conditions: Sequence[Limit]
    mask: NDArray[np.uint32]
    """Rules that stop each candidate."""
    criteria: Mapping[str, Criterion]
    score: Column
