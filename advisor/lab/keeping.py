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
