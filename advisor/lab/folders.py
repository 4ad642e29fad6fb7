"""Where the lab keeps its files: those that can be made again, and those that cannot."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from advisor.errors import MeasureError, why_not

_NAME = "advisor"
_Place = tuple[str | None, str]
"""Variable that names the folder of a system, and where it lies below the user's home without."""
_APPDATA: _Place = ("LOCALAPPDATA", "AppData/Local")
_HOMES: dict[str, dict[str, _Place]] = {
    "win32": {"cache": _APPDATA, "data": _APPDATA},
    "darwin": {"cache": (None, "Library/Caches"), "data": (None, "Library/Application Support")},
}
_XDG: dict[str, _Place] = {"cache": ("XDG_CACHE_HOME", ".cache"), "data": ("XDG_DATA_HOME", ".local/share")}


def cache_folder() -> Path:
    r"""Folder for what can be made again; it need not exist yet.

    Returns
    -------
    Path
        ``$ADVISOR_HOME/cache`` where that is set; else ``advisor`` in ``$XDG_CACHE_HOME`` or ``~/.cache``, on macOS in
        ``~/Library/Caches``, on Windows in ``%LOCALAPPDATA%``.

    Raises
    ------
    MeasureError
        If the user has no home and nothing else names a folder.
    """
    return _folder("cache")


def data_folder() -> Path:
    r"""Folder for what the user has measured; it need not exist yet.

    Returns
    -------
    Path
        ``$ADVISOR_HOME/data`` where that is set; else ``advisor`` in ``$XDG_DATA_HOME`` or ``~/.local/share``, on macOS
        in ``~/Library/Application Support``, on Windows in ``%LOCALAPPDATA%``.

    Raises
    ------
    MeasureError
        If the user has no home and nothing else names a folder.
    """
    return _folder("data")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of an empty file to write that takes the place of ``path`` at the end, in one step.

    Its folder is made where it is missing.  A reader finds the old file or the whole new one, whoever else writes it at
    the same time; after an error nothing is left behind.

    Raises
    ------
    MeasureError
        If the folder cannot be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix, delete=False) as file:
            draft = Path(file.name)
        try:
            yield draft
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise MeasureError("folder_not_written", folder=str(path.parent), reason=why_not(error)) from None


def made(path: Path, make: Callable[[Path], None]) -> Path:
    """``path``; where there is no such file, ``make`` writes it.

    Raises
    ------
    MeasureError
        If it is missing and cannot be written.
    """
    try:
        there = path.is_file()
    except OSError as error:
        raise MeasureError("folder_not_written", folder=str(path.parent), reason=why_not(error)) from None
    if not there:
        with replacing(path) as draft:
            make(draft)
    return path


def _folder(kind: str) -> Path:
    chosen = os.environ.get("ADVISOR_HOME")
    if chosen:
        return Path(chosen).expanduser() / kind
    variable, below_home = _HOMES.get(sys.platform, _XDG)[kind]
    named = Path(os.environ.get(variable, "")) if variable else Path()
    return (named if named.is_absolute() else _home() / below_home) / _NAME


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise MeasureError("no_home") from None
