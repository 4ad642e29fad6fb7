"""Records in one file to hand on, and back from a file that somebody handed on."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from advisor.errors import AdvisorError, MeasureError, why_not
from advisor.lab import files, kinds
from advisor.lab.files import BROKEN, Entry, TooLargeError
from advisor.lab.settings import settings

_ZIP_BROKEN = (*BROKEN, zipfile.BadZipFile, NotImplementedError, RuntimeError)
_STILL = (1980, 1, 1, 0, 0, 0)
"""Time of every member: the same records make the same file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the records of a file."""

    added: tuple[str, ...]
    """Ids of the records that are new."""
    duplicates: int
    """Records that were there already."""
    refused: tuple[AdvisorError, ...]
    """Why each of the others was not taken over."""


def written(file: Path, records: Sequence[Path]) -> Path:
    """Zip file of the files of records."""
    if file.exists():
        raise MeasureError("store_export_exists", file=str(file))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with files.appearing(file) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for record in records:
                archive.writestr(zipfile.ZipInfo(record.name, _STILL), record.read_bytes())
    except OSError as error:
        raise MeasureError("store_not_exported", file=str(file), reason=why_not(error)) from None
    return file


def taken_over(file: Path, keep: Callable[[Entry], str], is_kept: Callable[[str], bool]) -> Imported:
    """Records of a file, each checked and then kept."""
    added: list[str] = []
    duplicates = 0
    refused: list[AdvisorError] = []
    left = settings()["store"]["most_bytes_in_all"]
    for name, content in _members(file):
        try:
            entry, size = _checked(name, content, left)
            left -= size
        except MeasureError as error:
            refused.append(error)
            continue
        if is_kept(files.id_of(entry, entry.text())):
            duplicates += 1
        else:
            added.append(keep(entry))
    return Imported(tuple(added), duplicates, tuple(refused))


def _checked(name: str, content: bytes | None, left: int) -> tuple[Entry, int]:
    """Record, and the bytes that it unpacks to."""
    if content is None:
        raise MeasureError("store_refused", value=name)
    if len(content) > settings()["store"]["most_packed_bytes"]:
        raise MeasureError("store_too_large", value=name)
    try:
        text = files.unpacked(content, min(settings()["store"]["most_bytes"], left))
        entry = files.entry_of(text)
        if entry.text() != text:
            raise ValueError(name)
        kinds.check(entry)
    except TooLargeError:
        raise MeasureError("store_too_large", value=name) from None
    except (*BROKEN, AdvisorError):
        raise MeasureError("store_refused", value=name) from None
    return entry, len(text)


def _members(file: Path) -> Iterator[tuple[str, bytes | None]]:
    """Names, and contents up to one byte more than is taken; None for what cannot be read."""
    most = settings()["store"]["most_packed_bytes"]
    try:
        if not zipfile.is_zipfile(file):
            with file.open("rb") as alone:
                yield file.name, alone.read(most + 1)
            return
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith("/")]
            if len(members) > settings()["store"]["most_records"]:
                raise MeasureError("store_too_many", file=str(file), most=settings()["store"]["most_records"])
            for member in members:
                yield _plain(member.filename), _content(archive, member, most)
    except OSError as error:
        raise MeasureError("store_import_missing", file=str(file), reason=why_not(error)) from None
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError):
        raise MeasureError("store_no_archive", file=str(file)) from None


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes | None:
    try:
        with archive.open(member) as packed:
            return packed.read(most + 1)
    except _ZIP_BROKEN:
        return None


def _plain(name: str) -> str:
    """Name that may be shown on a terminal."""
    most = settings()["store"]["most_signs"]
    return "".join(sign if sign.isprintable() else "?" for sign in name[:most])
