"""A user's file of arrivals -> arrival times."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from advisor.errors import TrafficError, why_not
from advisor.sim_arrivals import counted
from advisor.sim_settings import settings

FloatArray = NDArray[np.float64]
Row = tuple[int, list[str]]

_SEPARATORS = ",;\t"
_LATEST_S = 1e11
"""Seconds that no clock shows for three thousand years: such a number is in milliseconds or less."""
_UNEVEN = 2e-3
"""Share of an interval by which its start may be off."""


def read_arrivals(path: str | Path, *, interval_s: float | None = None, seed: int = 0) -> FloatArray:
    """Arrival times from a CSV file: one time a request, or requests counted per interval.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8, separated by commas, semicolons or tabs, with or without a line of column names.  A column of
        times (ISO 8601, UTC where it names no zone, or seconds) holds one request a line; with a column of counts
        beside it, each line is an interval and its time the start.  Known names: ``data/simulation.toml``.
    interval_s : float, optional
        Length of an interval, for a file of counts without times.  [s]
    seed : int, default 0
        Places the requests within their intervals, evenly at random.

    Returns
    -------
    array
        Seconds since the first request, or since the first interval began, ascending.  [s]

    Raises
    ------
    TrafficError
        If the file cannot be read, or a line holds no time or count.
    """
    rows = _rows(Path(path))
    names = [name.strip().casefold() for name in rows[0][1]]
    known = settings()["columns"]
    headed = not any(_is_time(cell) for cell in rows[0][1])
    time = next((names.index(name) for name in known["time"] if name in names), None)
    number = next((names.index(name) for name in known["count"] if name in names), None)
    if not headed:
        time, number = (None, 0) if interval_s is not None else (0, 1 if len(names) > 1 else None)
    body = rows[1:] if headed else rows
    if not body:
        raise TrafficError("traffic_empty", file=str(path))
    if interval_s is not None and number is not None:
        return counted(_counts(path, body, number), interval_s, seed=seed)
    if time is None:
        raise TrafficError("traffic_column", file=str(path), known=", ".join((*known["time"][:3], *known["count"][:3])))
    times = _times(path, body, time)
    if number is None:
        return np.asarray(np.sort(times) - times.min())
    return counted(_counts(path, body, number), _interval(path, body, times), seed=seed)


def _rows(path: Path) -> list[Row]:
    """Lines of a table that hold anything, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TrafficError("traffic_file", file=str(path), reason=why_not(error)) from None
    except UnicodeDecodeError:
        raise TrafficError("traffic_format", file=str(path)) from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise TrafficError("traffic_format", file=str(path)) from None
    if not rows:
        raise TrafficError("traffic_empty", file=str(path))
    return rows


def _cell(row: Sequence[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""


def _seconds(text: str) -> float | None:
    """Seconds that a time stands for; None if it is no time."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_time(text: str) -> bool:
    return _seconds(text.strip()) is not None


def _times(path: str | Path, rows: Sequence[Row], column: int) -> FloatArray:
    found = np.empty(len(rows))
    for place, (line, row) in enumerate(rows):
        text = _cell(row, column)
        value = _seconds(text)
        if value is None or not np.isfinite(value):
            raise TrafficError("traffic_time", file=str(path), row=line, value=text)
        if abs(value) > _LATEST_S:
            raise TrafficError("traffic_milliseconds", file=str(path), row=line, value=text)
        found[place] = value
    return found


def _counts(path: str | Path, rows: Sequence[Row], column: int) -> FloatArray:
    found = np.empty(len(rows))
    for place, (line, row) in enumerate(rows):
        text = _cell(row, column)
        value = float(text) if text.replace(".", "", 1).isdecimal() else -1.0
        if value < 0 or value != np.floor(value):
            raise TrafficError("traffic_count", file=str(path), row=line, value=text)
        found[place] = value
    return found


def _interval(path: str | Path, rows: Sequence[Row], times: FloatArray) -> float:
    """Length of the intervals, which have to be even."""
    if len(times) < 2:
        raise TrafficError("traffic_one_interval", file=str(path))
    steps = np.diff(times)
    usual = float(np.median(steps))
    wrong = np.flatnonzero((steps <= 0) | (np.abs(steps - usual) > _UNEVEN * usual))
    if wrong.size:
        line = rows[int(wrong[0]) + 1][0]
        raise TrafficError("traffic_interval", file=str(path), row=line, value=float(steps[wrong[0]]), usual=usual)
    return usual
