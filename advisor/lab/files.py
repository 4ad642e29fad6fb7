"""Files that appear whole or not at all, and records as the lines of one."""

import gzip
import hashlib
import json
import os
import re
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from advisor.lab.settings import settings

ENDING = ".jsonl.gz"
_DRAFT = ".part"
_FORMAT = 1
_DIGITS = 16
_NAME_SIGNS = 40
_MOMENT_SIGNS = len("20261125T040000")
_GZIP = 31
"""Window bits with which zlib reads the gzip format."""

BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error)
"""What reading a file runs into that is damaged, cut off, or no record."""


class TooLargeError(ValueError):
    """A record that unpacks to more than is allowed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as its file holds it: a line that says what it is, and a line with its fields."""

    kind: str
    part_of: Mapping[str, Any] | None
    """What it belongs to: a sweep, and which pass of it."""
    record: Mapping[str, Any]

    def text(self) -> str:
        """Both lines."""
        head = {"store": _FORMAT, "kind": self.kind, "part_of": self.part_of}
        lines = (json.dumps(line, ensure_ascii=False, allow_nan=False) for line in (head, self.record))
        return "".join(f"{line}\n" for line in lines)


@contextmanager
def appearing(path: Path) -> Iterator[IO[bytes]]:
    """File to write that appears under its name when the block ends, complete and on the disk, never over another.

    Raises
    ------
    FileExistsError
        If there is such a file, or it appeared meanwhile.
    OSError
        If it cannot be written; then nothing is left of it.
    """
    draft = path.with_name(f".{secrets.token_hex(_DIGITS)}{_DRAFT}")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _published(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _published(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)
    if os.name == "posix":
        with suppress(OSError):
            _settled(path.parent)


def _settled(folder: Path) -> None:
    """Put the names in a folder on the disk; systems that refuse do so by themselves."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def without_leftovers(folder: Path) -> None:
    """Remove what writers that were killed left behind; what is young may still be written."""
    oldest = time.time() - settings()["store"]["leftover_s"]
    for draft in folder.glob(f".*{_DRAFT}"):
        with suppress(OSError):
            if draft.stat().st_mtime < oldest:
                draft.unlink()


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, drafts and hidden files left out, in order of names; empty where there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []


def packed(text: str) -> bytes:
    """Text as gzip, the same bytes at any time."""
    return gzip.compress(text.encode(), settings()["store"]["gzip_level"], mtime=0)


def unpacked(content: bytes, most: int = 0) -> str:
    """Text of a gzip file; the whole of it is checked against its checksum.

    Parameters
    ----------
    content : bytes
    most : int, default 0
        Bytes that the text may have; 0 for any number.

    Raises
    ------
    TooLargeError
        If it has more.
    ValueError, zlib.error
        If it is damaged, cut off, or followed by something else.
    """
    reader = zlib.decompressobj(_GZIP)
    text = reader.decompress(content, most + 1 if most else 0)
    if most and len(text) > most:
        raise TooLargeError
    if not reader.eof or reader.unused_data:
        raise ValueError(len(content))
    return text.decode()


def entry_of(text: str) -> Entry:
    """Record of two lines.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, RecursionError
        If it is none.
    """
    first, second, end = text.split("\n")
    if end:
        raise ValueError(end)
    record = json.loads(second, parse_constant=_no_number)
    return Entry(*_head(first), record=dict(record.items()))


def _head(line: str) -> tuple[str, Mapping[str, Any] | None]:
    head = json.loads(line, parse_constant=_no_number)
    if head.keys() != {"store", "kind", "part_of"} or head["store"] != _FORMAT:
        raise ValueError(line)
    return str(head["kind"]), None if head["part_of"] is None else dict(head["part_of"].items())


def head_of(path: Path) -> tuple[str, Mapping[str, Any] | None]:
    """Kind of a record and what it is part of, from the first line of its file."""
    with gzip.open(path) as file:
        return _head(file.readline(settings()["store"]["most_head_bytes"]).decode())


def id_of(entry: Entry, text: str) -> str:
    """Name of a record: when, of what, and a digest of its contents, so that no two records share one."""
    moment = re.sub(r"[^0-9T]", "", str(_first(entry.record, "started")))[:_MOMENT_SIGNS]
    model = str(_first(entry.record, "model") or _first(entry.record, "target"))
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(model).stem).strip("-")[:_NAME_SIGNS]
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{moment}Z-{stem or entry.kind}-{digest}"


def _first(value: object, name: str) -> object:
    """First value of that name in a record, its parts included; empty where there is none."""
    if isinstance(value, Mapping):
        return value.get(name) or next((found for part in value.values() if (found := _first(part, name))), "")
    return next((found for part in value if (found := _first(part, name))), "") if isinstance(value, list) else ""


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
