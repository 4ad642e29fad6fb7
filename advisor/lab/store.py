"""The store: every record that was ever kept, one file each, never changed and never written over."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.errors import AdvisorError, MeasureError, UnknownIdError, why_not
from advisor.lab import archives, files, kinds
from advisor.lab.archives import Imported
from advisor.lab.files import BROKEN, ENDING, Entry
from advisor.lab.folders import data_folder
from advisor.lab.runs import Run

if TYPE_CHECKING:
    import pandas as pd

_NEAREST = 3


class Store:
    """Runs, sweeps and what could not be measured, in a folder of the user.

    Parameters
    ----------
    folder : str or Path, optional
        By default ``runs`` in ``advisor.lab.folders.data_folder()``; it is made with the first record.

    Notes
    -----
    A record is one file, named after its contents.  It is written under another name, put on the disk, and only then
    given its own: a crash or a full disk costs the record that is being written, never one that is there.  Any number
    of processes may write at the same time.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = data_folder() / "runs" if folder is None else Path(folder).expanduser()
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, result: Any, part_of: Mapping[str, Any] | None = None) -> str:
        """Keep a record; one that is there already is not kept twice.

        Parameters
        ----------
        result : Run or another of ``advisor.lab.kinds.KINDS``
        part_of : mapping, optional
            What it belongs to, as ``{"sweep": id, "pass": 0}``.

        Returns
        -------
        str
            Id of the record, from its contents.

        Raises
        ------
        MeasureError
            If it is of no kind that is kept, or cannot be written; it stays in memory, and the store as it was.
        """
        return self.keep(Entry(kinds.kind_of(result), part_of, result.record()))

    def keep(self, entry: Entry) -> str:
        """As ``add``, for a record as its file holds it."""
        text = entry.text()
        record_id = files.id_of(entry, text)
        path = self._path(record_id)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            files.without_leftovers(self.folder)
            if not path.exists():
                self._write(path, text)
        except OSError as error:
            raise MeasureError("store_not_saved", folder=str(self.folder), reason=why_not(error)) from None
        if _text(path) != text:
            raise MeasureError("store_in_the_way", file=str(path))
        return record_id

    def _write(self, path: Path, text: str) -> None:
        with suppress(FileExistsError), files.appearing(path) as file:
            file.write(files.packed(text))

    def ids(self, kind: str | None = None, **part_of: Any) -> tuple[str, ...]:
        """Ids of the records of a kind, or of a part of something, oldest first; what cannot be read is left out.

        Parameters
        ----------
        kind : str, optional
        **part_of
            As ``sweep=id``.
        """
        return tuple(
            _id(path)
            for path in self._files()
            for found in _heads(path)
            if kind in (None, found[0]) and part_of.items() <= (found[1] or {}).items()
        )

    def runs(self) -> "pd.DataFrame":
        """Table of the runs, oldest first; what cannot be read is left out, and named by ``unreadable``.

        Returns
        -------
        DataFrame
            id, model, sha256, machine, threads, batch, precision, started, n, p50_s, p90_s and p99_s with their
            intervals (``p50_low_s``, ``p50_high_s``; None where the samples are too few), cancelled, sweep.  [s]
        """
        from advisor.lab.store_tables import row_of, runs_table

        new = [record_id for record_id in self.ids("run") if record_id not in self._rows]
        for record_id, entry, run in self._readable(new):
            self._rows[record_id] = row_of(record_id, run, entry.part_of)
        return runs_table([row for record_id, row in sorted(self._rows.items()) if self._path(record_id).is_file()])

    def readable(self, kind: str | None = None, **part_of: Any) -> Iterator[tuple[str, Entry, Any]]:
        """Id, entry and contents of the records of ``ids`` that can be read."""
        return self._readable(self.ids(kind, **part_of))

    def _readable(self, ids: Iterable[str]) -> Iterator[tuple[str, Entry, Any]]:
        for record_id in ids:
            try:
                entry = _entry(self._path(record_id))
                contents = _contents(entry, self._path(record_id))
            except AdvisorError:
                continue
            yield record_id, entry, contents

    @property
    def unreadable(self) -> dict[str, AdvisorError]:
        """Files in the folder that hold no record, or a damaged one, with the sentence that says so."""
        found: dict[str, AdvisorError] = {}
        for path in self._files():
            try:
                _restored(path)
            except AdvisorError as error:
                found[path.name] = error
        return found

    def get(self, record_id: str) -> Any:
        """Record by its id, or any part of it that no other has.

        Raises
        ------
        UnknownIdError
            If there is none, or more than one.
        MeasureError
            If it is damaged.
        """
        return _restored(self._path(self.full_id(record_id)))

    def entry(self, record_id: str) -> Entry:
        """As ``get``, as its file holds it."""
        return _entry(self._path(self.full_id(record_id)))

    def full_id(self, part: str) -> str:
        """Id that a part of it stands for."""
        known = [_id(path) for path in self._files() if path.name.endswith(ENDING)]
        found = [part] if part in known else [record_id for record_id in known if part and part in record_id]
        if len(found) != 1:
            near = ", ".join((found or known)[-_NEAREST:])
            raise UnknownIdError("store_unknown", value=part, count=len(found), known=near or "-")
        return found[0]

    def compare(self, ids: Sequence[str]) -> "pd.DataFrame":
        """Table of ratios of the quantiles of runs to those of the first.

        Parameters
        ----------
        ids : sequence of str
            Two runs or more.

        Returns
        -------
        DataFrame
            id, model, threads, batch, same_model, same_machine, interleaved, and the ratios p50, p90, p99 with
            intervals (``p50_low``, ``p50_high``; None where a run has too few samples).  Runs that were kept one by
            one were not measured in turn, so ``interleaved`` is False: a change of the machine between them is in the
            ratio, and not in its interval.

        Raises
        ------
        UnknownIdError, MeasureError
            If an id stands for no run, or there are fewer than two.
        """
        from advisor.lab.store_tables import ratios_table

        named = [ids] if isinstance(ids, str) else list(ids)
        if len(named) < 2:
            raise MeasureError("store_compare", value=", ".join(named))
        found = {self.full_id(part): self.get(part) for part in named}
        for record_id, run in found.items():
            if not isinstance(run, Run):
                raise MeasureError("store_no_run", value=record_id)
        return ratios_table(found)

    def export(self, ids: Iterable[str] | None, file: str | Path) -> Path:
        """Write records into one file to hand on, a sweep with all that is part of it.

        Parameters
        ----------
        ids : iterable of str, optional
            None for all that can be read.
        file : str or Path
            Zip file that is not there yet.

        Raises
        ------
        UnknownIdError, MeasureError
            If a record is not there or damaged, the file is there already, or it cannot be written.
        """
        if ids is None:
            damaged = self.unreadable
            paths = [path for path in map(self._path, self.ids()) if path.name not in damaged]
        else:
            named = [self.full_id(part) for part in ([ids] if isinstance(ids, str) else ids)]
            chosen = dict.fromkeys(one for record_id in named for one in (record_id, *self.ids(sweep=record_id)))
            paths = [self._path(record_id) for record_id in chosen]
            for path in paths:
                _restored(path)
        if not paths:
            raise MeasureError("store_nothing", folder=str(self.folder))
        return archives.written(Path(file).expanduser(), paths)

    def import_(self, file: str | Path) -> Imported:
        """Take over the records of a file that ``export`` wrote, or of a single record's file.

        Each record is checked as if it came from a stranger; names and paths within the file count for nothing.

        Parameters
        ----------
        file : str or Path

        Returns
        -------
        Imported
            Ids that are new, how many were there already, and what was refused and why.

        Raises
        ------
        MeasureError
            If the file cannot be read, or the disk is full; what was taken over by then stays.
        """
        return archives.taken_over(Path(file).expanduser(), self.keep, lambda one: self._path(one).exists())

    def _files(self) -> list[Path]:
        try:
            return files.visible(self.folder)
        except OSError as error:
            raise MeasureError("store_closed", folder=str(self.folder), reason=why_not(error)) from None

    def _path(self, record_id: str) -> Path:
        return self.folder / f"{record_id}{ENDING}"


def _id(path: Path) -> str:
    return path.name.removesuffix(ENDING)


def _heads(path: Path) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Head of a record's file; nothing for another file."""
    if path.name.endswith(ENDING) and path.is_file():
        with suppress(*BROKEN):
            return [files.head_of(path)]
    return []


def _text(path: Path) -> str | None:
    try:
        return files.unpacked(path.read_bytes())
    except BROKEN:
        return None


def _entry(path: Path) -> Entry:
    try:
        text = files.unpacked(path.read_bytes()) if path.is_file() else ""
        entry = files.entry_of(text)
        if path.name != f"{files.id_of(entry, text)}{ENDING}":
            raise ValueError(path.name)
    except BROKEN:
        raise MeasureError("store_unreadable", file=str(path)) from None
    return entry


def _restored(path: Path) -> Any:
    return _contents(_entry(path), path)


def _contents(entry: Entry, path: Path) -> Any:
    try:
        return kinds.restored(entry)
    except (*BROKEN, AdvisorError):
        raise MeasureError("store_unreadable", file=str(path)) from None
