"""Columns of every stage for one question, kept together until somebody looks at a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from advisor.columns import Bill, ClassColumns, Column, FloatArray, Network, Plan, Sized, Stacks
from advisor.feasibility import Limit
from advisor.knowledge import Knowledge
from advisor.question import Question
from advisor.ranking import Criterion
from advisor.results import Option

if TYPE_CHECKING:
    import pandas as pd


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


class Answer(Protocol):
    """What a report needs to know of an advice."""

    evaluation: Evaluation

    @property
    def asked(self) -> Any:
        """Requirements that were asked."""

    @property
    def best(self) -> Option | None:
        """First choice."""

    @property
    def shortlist(self) -> tuple[Option, ...]:
        """Best stack of every kind, in rank order."""

    @property
    def rows(self) -> list[int]:
        """Candidates behind the shortlist."""

    @property
    def family_rows(self) -> Mapping[str, int | None]:
        """Best candidate or nearest miss of every family."""

    def table(self, n: int = 10, lang: str | None = None) -> "pd.DataFrame":
        """Ranked table."""

    def families(self, lang: str | None = None) -> "pd.DataFrame":
        """Six families."""

    def explain(self, option_id: str, lang: str | None = None) -> str:
        """Sentences on one stack."""
