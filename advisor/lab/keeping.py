"""Keeping what was measured, and saying it where that failed."""

from typing import Any

from advisor.errors import AdvisorError, MeasureError
from advisor.lab.store import Store


def keep(result: Any) -> str:
    """Id under which a result lies in the user's store.

    Raises
    ------
    MeasureError
        If it could not be kept: it is lost when the program ends.
    """
    try:
        return Store().add(result)
    except AdvisorError as error:
        raise MeasureError("not_kept", reason=error) from None


class Keeper:
    """Keeps each result at once; one that cannot be kept stops nothing, and the first ``error`` is said afterwards."""

    def __init__(self) -> None:
        self.error: MeasureError | None = None

    def __call__(self, result: Any) -> None:
        """Keep a result."""
        try:
            keep(result)
        except MeasureError as error:
            self.error = self.error or error
