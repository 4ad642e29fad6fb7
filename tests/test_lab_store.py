"""What must hold for records that are kept: none is lost, changed or taken on trust."""

import errno
import gzip
import io
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import NOW, run_of, sooner

from advisor.errors import MeasureError, UnknownIdError
from advisor.lab import Comparison, LoadRun, Ramp, Store, compare, files, kinds, load_test, ramp, store_tables
from advisor.lab.files import Entry, entry_of, packed
from advisor.lab.folders import data_folder
from advisor.lab.kept_words import imported_text, ratios_text, runs_text
from advisor.lab.settings import settings
from advisor.text import catalogue, languages

ROOT = Path(__file__).resolve().parent.parent


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def drafts(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


# A record is kept


samples = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=30).map(np.array)
names = st.text(min_size=1, max_size=60).filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))


@given(samples, names, st.integers(1, 64), st.booleans())
def test_what_is_kept_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, samples_s: np.ndarray, model: str, batch: int, cancelled: bool
) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    run = run_of(samples_s, model=model, batch=batch, cancelled=cancelled)
    one = store.add(run)
    assert store.get(one).record() == run.record()
    before = contents(store.folder)
    assert store.add(run) == one
    assert contents(store.folder) == before
    assert list(before) == [f"{one}.jsonl.gz"]
    assert one.isascii()


def test_the_store_of_the_user_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path))
    one = Store().add(run_of(np.ones(3)))
    assert (data_folder() / "runs" / f"{one}.jsonl.gz").is_file()


def test_a_file_is_two_lines_of_json_with_versions(store: Store) -> None:
    one = store.add(run_of(np.ones(3)), part_of={"sweep": "s", "pass": 1})
    head, record = gzip.decompress((store.folder / f"{one}.jsonl.gz").read_bytes()).decode().splitlines()
    assert json.loads(head) == {"store": 1, "kind": "run", "part_of": {"sweep": "s", "pass": 1}}
    assert json.loads(record) == json.loads(json.dumps(run_of(np.ones(3)).record()))
    assert "format" in json.loads(record)


def test_nothing_else_than_the_known_kinds_is_kept(store: Store) -> None:
    with pytest.raises(MeasureError, match=r"str.*Run"):
        store.add("a run")
    assert not store.folder.exists()


# Reading past what is broken


def test_the_table_holds_every_run_and_none_for_what_is_not_known(store: Store) -> None:
    few, many = run_of(np.full(5, 0.002), started=NOW), run_of(np.linspace(0.001, 0.003, 2000), started=sooner(1))
    first, second = store.add(many), store.add(few)
    table = store.runs()
    assert list(table["id"]) == [first, second]
    assert list(table["n"]) == [2000, 5]
    assert table["p99_s"][1] is None
    interval = many.quantile(0.99)
    assert interval is not None
    assert tuple(table.loc[0, ["p99_low_s", "p99_s", "p99_high_s"]]) == (interval.low, interval.mid, interval.high)
    store.add(run_of(np.ones(3)))
    assert len(store.runs()) == 3


def damages(whole: bytes) -> Iterator[bytes]:
    chance = random.Random(0)
    yield b""
    yield whole + b"x"
    yield whole + whole
    for _ in range(30):
        yield whole[: chance.randrange(len(whole))]
        place = chance.randrange(10, len(whole))
        yield whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]


def test_a_damaged_file_is_named_and_the_others_are_read(store: Store) -> None:
    good, bad = store.add(run_of(np.ones(3))), store.add(run_of(np.full(50, 2.0)))
    path = store.folder / f"{bad}.jsonl.gz"
    whole = path.read_bytes()
    for damaged in damages(whole):
        path.write_bytes(damaged)
        fresh = Store(store.folder)
        assert list(fresh.runs()["id"]) == [good]
        assert list(fresh.unreadable) == [path.name]
        with pytest.raises(MeasureError, match=path.name):
            fresh.get(bad)
    path.write_bytes(whole)
    assert not Store(store.folder).unreadable


def test_foreign_files_are_named_and_left_alone(store: Store) -> None:
    good = store.add(run_of(np.ones(3)))
    (store.folder / "notes.txt").write_text("mine")
    (store.folder / "folder.jsonl.gz").mkdir()
    (store.folder / "renamed.jsonl.gz").write_bytes((store.folder / f"{good}.jsonl.gz").read_bytes())
    other = Entry("poem", None, {"format": 1}).text()
    (store.folder / "poem.jsonl.gz").write_bytes(packed(other))
    assert sorted(store.unreadable) == ["folder.jsonl.gz", "notes.txt", "poem.jsonl.gz", "renamed.jsonl.gz"]
    assert list(store.runs()["id"]) == [good]
    assert (store.folder / "notes.txt").read_text() == "mine"
    for lang in languages():
        text = runs_text(store.runs(), [], {}, str(store.folder), store.unreadable, lang)
        assert "notes.txt" in text
        assert good in text


def test_a_damaged_file_in_the_place_of_a_record_is_not_written_over(store: Store) -> None:
    run = run_of(np.ones(3))
    path = store.folder / f"{store.add(run)}.jsonl.gz"
    path.write_bytes(b"damaged")
    with pytest.raises(MeasureError) as caught:
        store.add(run)
    assert caught.value.code == "store_in_the_way"
    assert path.read_bytes() == b"damaged"


def test_a_part_of_an_id_is_enough_where_it_is_one_of_a_kind(store: Store) -> None:
    one, other = store.add(run_of(np.ones(3))), store.add(run_of(np.ones(4)))
    assert store.full_id(one.rpartition("-")[2]) == one
    for part in ("digits", "nothing", ""):
        with pytest.raises(UnknownIdError) as caught:
            store.get(part)
        assert repr(part) in str(caught.value)
    assert other in str(caught.value)


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(MeasureError) as caught:
        store.add(run_of(np.ones(3)))
    assert caught.value.code == "store_not_saved"
    with pytest.raises(MeasureError) as caught:
        store.ids()
    assert caught.value.code == "store_closed"


# A full disk, a crash, several writers


class FullDisk(io.FileIO):
    """File on a disk that takes so many bytes more."""

    room = 0

    @classmethod
    def fill(cls, patch: pytest.MonkeyPatch) -> None:
        """Open drafts on this disk."""
        plain = Path.open

        def opened(path: Path, mode: str = "r", **how: Any) -> Any:
            return cls(path, mode.replace("b", "")) if path.suffix == ".part" else plain(path, mode, **how)

        patch.setattr(Path, "open", opened)

    def write(self, content: Any) -> int:
        written = super().write(bytes(content)[: self.room])
        if written < len(content):
            raise OSError(errno.ENOSPC, "full")
        return written


def test_a_disk_full_at_any_byte_leaves_earlier_runs_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(run_of(np.ones(3)))
    before = contents(store.folder)
    run = run_of(np.linspace(1, 2, 7))
    size = len(packed(Entry("run", None, run.record()).text()))
    with monkeypatch.context() as patch:
        FullDisk.fill(patch)
        for room in range(size):
            FullDisk.room = room
            with pytest.raises(MeasureError) as caught:
                store.add(run)
            assert caught.value.code == "store_not_saved"
            assert contents(store.folder) == before
        assert all(catalogue(lang)["cause.full"] in caught.value.in_language(lang) for lang in languages())
        FullDisk.room = size
        store.add(run)
    assert len(store.runs()) == 2


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_disk_that_fails_at_the_last_step_leaves_no_trace(
    store: Store, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(run_of(np.ones(3)))
    before = contents(store.folder)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "failed")

    monkeypatch.setattr(os, step, fail)
    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(MeasureError):
        store.add(run_of(np.ones(4)))
    assert contents(store.folder) == before


def test_where_there_are_no_links_a_record_is_renamed_and_never_over_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", unsupported)
    one = store.add(run_of(np.ones(3)))
    assert store.ids() == (one,)
    with pytest.raises(FileExistsError), files.appearing(store.folder / f"{one}.jsonl.gz") as file:
        file.write(b"other")
    assert not store.unreadable
    assert not drafts(store.folder)


class KilledError(BaseException):
    """The end of the process, as far as the disk can tell."""


@pytest.mark.parametrize("step", ["open", "write", "fsync", "link", "unlink"])
def test_whatever_step_a_crash_hits_no_broken_file_is_visible(
    store: Store, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(run_of(np.ones(3)))
    before = contents(store.folder)

    class Dying(io.FileIO):
        def write(self, content: Any) -> int:
            if step == "write":
                super().write(bytes(content)[: len(content) // 2])
                raise KilledError
            return super().write(content)

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    def opened(path: Path, mode: str) -> Dying:
        file = Dying(path, mode.replace("b", ""))
        if step == "open":
            raise KilledError
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        patch.setattr(Path, "unlink", killed)
        if step in ("fsync", "link"):
            patch.setattr(os, step, killed)
        with pytest.raises(KilledError):
            store.add(run_of(np.ones(4)))
    now = {name: content for name, content in contents(store.folder).items() if not name.startswith(".")}
    assert before.items() <= now.items()
    assert len(now) == (2 if step == "unlink" else 1)
    assert not Store(store.folder).unreadable
    assert len(Store(store.folder).runs()) == len(now)


def test_what_killed_writers_left_is_removed_once_it_is_old(store: Store) -> None:
    store.add(run_of(np.ones(3)))
    old, young = store.folder / ".old.part", store.folder / ".young.part"
    for draft in (old, young):
        draft.write_bytes(b"half")
    past = time.time() - settings()["store"]["leftover_s"] - 10
    os.utime(old, (past, past))
    store.add(run_of(np.ones(4)))
    assert drafts(store.folder) == [young]


WRITER = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from kept import run_of
from advisor.lab import Store
store = Store(sys.argv[2])
print("ready", flush=True)
for number in range(int(sys.argv[3]), int(sys.argv[4])):
    print(store.add(run_of(np.full(200, 1.0 + number))), flush=True)
"""


def writer(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    arguments = [str(ROOT / "tests"), str(folder), str(first), str(last)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def test_a_writer_killed_at_any_moment_leaves_whole_files_and_all_it_had_confirmed(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(6):
        folder = tmp_path / str(number)
        with writer(folder, 0, 100_000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.1))
            process.kill()
            confirmed = [line.strip() for line in process.stdout if line.endswith("\n")]
        store = Store(folder)
        assert not store.unreadable
        assert set(confirmed) <= set(store.ids("run"))
        assert len(store.ids()) - len(confirmed) <= 1


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    with writer(tmp_path, 0, 40) as one, writer(tmp_path, 20, 60) as other:
        said = [process.communicate()[0].split()[1:] for process in (one, other)]
    store = Store(tmp_path)
    assert said[0][20:] == said[1][:20]
    assert set(store.ids("run")) == {*said[0], *said[1]}
    assert len(store.runs()) == 60
    assert not store.unreadable
    assert not drafts(tmp_path)


# Handing on


def test_a_file_carries_runs_from_one_store_to_another(store: Store, tmp_path: Path) -> None:
    ids = [store.add(run_of(np.full(3, 1.0 + number), started=sooner(-number))) for number in range(4)]
    (store.folder / "notes.txt").write_text("mine")
    file = store.export(None, tmp_path / "out" / "all.zip")
    other = Store(tmp_path / "other")
    assert other.import_(file) == kinds_imported(added=ids)
    assert contents(other.folder) == {k: v for k, v in contents(store.folder).items() if k != "notes.txt"}
    assert other.import_(file) == kinds_imported(duplicates=4)
    some = store.export(ids[1], tmp_path / "some.zip")
    assert zipfile.ZipFile(some).namelist() == [f"{ids[1]}.jsonl.gz"]
    third = Store(tmp_path / "third")
    assert third.import_(store.folder / f"{ids[0]}.jsonl.gz").added == (ids[0],)


def kinds_imported(added: list[str] | None = None, duplicates: int = 0) -> object:
    from advisor.lab.archives import Imported

    return Imported(tuple(added or ()), duplicates, ())


def test_an_export_is_never_written_over_another_file_nor_left_half(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MeasureError) as caught:
        store.export(None, tmp_path / "none.zip")
    assert caught.value.code == "store_nothing"
    one = store.add(run_of(np.ones(3)))
    file = store.export([one], tmp_path / "one.zip")
    whole = file.read_bytes()
    with pytest.raises(MeasureError) as caught:
        store.export([one], file)
    assert caught.value.code == "store_export_exists"
    assert file.read_bytes() == whole
    FullDisk.room = 50
    FullDisk.fill(monkeypatch)
    with pytest.raises(MeasureError) as caught:
        store.export([one], tmp_path / "two.zip")
    assert caught.value.code == "store_not_exported"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "runs"]


def test_exporting_what_is_damaged_or_unknown_is_a_sentence(store: Store, tmp_path: Path) -> None:
    one = store.add(run_of(np.ones(3)))
    with pytest.raises(UnknownIdError):
        store.export(["nothing"], tmp_path / "a.zip")
    (store.folder / f"{one}.jsonl.gz").write_bytes(b"")
    with pytest.raises(MeasureError):
        store.export([one], tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def changed(**changes: Any) -> bytes:
    record = run_of(np.ones(3)).record() | changes
    return packed(Entry("run", None, record).text())


def raw(second: str, head: str = '{"store": 1, "kind": "run", "part_of": null}') -> bytes:
    return packed(f"{head}\n{second}\n")


RECORD = run_of(np.ones(3)).record()
MACHINE = RECORD["machine"] if isinstance(RECORD["machine"], dict) else {}
HOSTILE: dict[str, bytes] = {
    "no gzip": b"MZ\x90\x00",
    "empty": b"",
    "cut": changed()[:-9],
    "more behind": changed() + b"more",
    "a bomb": packed("0" * 5_000_000),
    "no record": raw("[]"),
    "three lines": packed('{"store": 1, "kind": "run", "part_of": null}\n{}\n{}\n'),
    "deep": raw("[" * 200_000),
    "another kind": raw(json.dumps(RECORD), '{"store": 1, "kind": "os", "part_of": null}'),
    "a newer store": raw(json.dumps(RECORD), '{"store": 2, "kind": "run", "part_of": null}'),
    "more in the head": raw(json.dumps(RECORD), '{"store": 1, "kind": "run", "part_of": null, "x": 1}'),
    "part of a list": raw(json.dumps(RECORD), '{"store": 1, "kind": "run", "part_of": {"sweep": [], "pass": 1}}'),
    "part of an escape": raw(
        json.dumps(RECORD), '{"store": 1, "kind": "run", "part_of": {"sweep": "\\u001b", "pass": 1}}'
    ),
    "a newer run": changed(format=99),
    "one field more": changed(note="x"),
    "spaces": raw(json.dumps(RECORD, indent=None, separators=(" , ", " : "))),
    "a name twice": raw(json.dumps(RECORD)[:-1] + ', "model": "digits"}'),
    "not a number": raw(json.dumps(RECORD | {"samples_s": [1.0, float("nan")]})),
    "infinite": raw(json.dumps(RECORD | {"samples_s": [1.0, 2.0]}).replace("2.0]", "1e999]")),
    "no samples": changed(samples_s=[]),
    "a negative time": changed(samples_s=[1.0, -1.0]),
    "a time of nothing": changed(samples_s=[1.0, 0.0]),
    "samples in samples": changed(samples_s=[[1.0], [1.0]]),
    "text for samples": changed(samples_s="fast"),
    "text for threads": changed(threads="many"),
    "truth for batch": changed(batch=True),
    "an escape in a name": changed(model="\x1b[2Jdigits"),
    "an endless name": changed(model="x" * 100_000),
    "a number for a name": changed(model=7),
    "an unknown assumption": changed(assumptions=[["no_such_code", []]]),
    "an assumption without values": changed(assumptions=[["dynamic_axis", []]]),
    "no version": changed(versions=[]),
    "a machine of text": changed(machine="fast"),
    "a machine with text for memory": changed(machine=MACHINE | {"memory_bytes": "much"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_record_is_refused_by_name_and_the_good_one_beside_it_taken(
    case: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = dict(settings()["store"]) | {"most_bytes": 1_000_000}
    monkeypatch.setattr("advisor.lab.archives.settings", lambda: {"store": table})
    good = run_of(np.full(3, 3.0))
    with zipfile.ZipFile(tmp_path / "mixed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad.jsonl.gz", HOSTILE[case])
        archive.writestr("good.jsonl.gz", packed(Entry("run", None, good.record()).text()))
    found = store.import_(tmp_path / "mixed.zip")
    assert len(found.added) == 1
    assert store.get(found.added[0]).record() == good.record()
    (refused,) = found.refused
    assert refused.code == ("store_too_large" if case == "a bomb" else "store_refused")
    for lang in languages():
        assert "bad.jsonl.gz" in refused.in_language(lang)
        assert len(imported_text(found, lang).splitlines()) == 2


@pytest.mark.parametrize(
    "name", ["../../out.jsonl.gz", "/out.jsonl.gz", "C:\\out.jsonl.gz", "a/../../b", "x\x1b[2J", ""]
)
def test_names_and_paths_in_an_archive_count_for_nothing(name: str, store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "paths.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), packed(Entry("run", None, RECORD).text()))
        archive.writestr(zipfile.ZipInfo(f"{name}bad"), b"bad")
    found = store.import_(tmp_path / "paths.zip")
    assert len(found.added) == 1
    assert set(contents(tmp_path)) == {"paths.zip", f"{found.added[0]}.jsonl.gz"}
    assert all(error.in_language(lang).isprintable() for error in found.refused for lang in languages())


def small_bounds(monkeypatch: pytest.MonkeyPatch, **bounds: int) -> None:
    table = dict(settings()["store"]) | bounds
    monkeypatch.setattr("advisor.lab.archives.settings", lambda: {"store": table})


def test_bombs_and_floods_are_stopped_early(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_bounds(monkeypatch, most_packed_bytes=10_000, most_bytes_in_all=4000)
    whole = packed(Entry("run", None, RECORD).text())
    others = [packed(Entry("run", None, run_of(np.full(3, 2.0 + n)).record()).text()) for n in range(9)]
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50_000_000))
        for number, content in enumerate([whole, *others]):
            archive.writestr(str(number), content)
    found = store.import_(tmp_path / "bomb.zip")
    assert 1 <= len(found.added) < 10
    assert len(found.added) + len(found.refused) == 11
    assert {error.code for error in found.refused} == {"store_too_large"}
    small_bounds(monkeypatch, most_records=5)
    with pytest.raises(MeasureError) as caught:
        store.import_(tmp_path / "bomb.zip")
    assert caught.value.code == "store_too_many"


def test_files_that_are_no_archive_are_a_sentence(store: Store, tmp_path: Path) -> None:
    store.add(run_of(np.ones(3)))
    whole = store.export(None, tmp_path / "whole.zip").read_bytes()
    for number, content in enumerate(
        [whole[:-4], whole[10:], b"text", b"", whole.replace(b"PK\x01\x02", b"PK\x01\x03")]
    ):
        file = tmp_path / f"{number}.zip"
        file.write_bytes(content)
        try:
            found = Store(tmp_path / "other").import_(file)
        except MeasureError as error:
            assert error.code == "store_no_archive"  # noqa: PT017
        else:
            assert (found.added, len(found.refused)) == ((), 1)
    for missing in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(MeasureError) as caught:
            store.import_(missing)
        assert caught.value.code == "store_import_missing"


def test_a_record_twice_in_an_archive_is_kept_once(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        for name in ("a", "b"):
            archive.writestr(name, packed(Entry("run", None, RECORD).text()))
    found = store.import_(tmp_path / "twice.zip")
    assert (len(found.added), found.duplicates, found.refused) == (1, 1, ())


def test_a_disk_full_during_an_import_is_a_sentence(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "one.jsonl.gz"
    file.write_bytes(packed(Entry("run", None, RECORD).text()))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MeasureError) as caught:
        store.import_(file)
    assert caught.value.code == "store_not_saved"


# Comparing


def test_ratios_are_those_of_the_quantiles_and_as_wide_as_both_intervals(store: Store) -> None:
    slow, fast = run_of(np.linspace(0.004, 0.006, 2001)), run_of(np.linspace(0.002, 0.003, 2001), threads=2)
    (row,) = store.compare([store.add(slow), store.add(fast)]).to_dict("records")
    assert row["p50"] == pytest.approx(0.5)
    ours, theirs = slow.quantile(0.99), fast.quantile(0.99)
    assert ours is not None
    assert theirs is not None
    assert row["p99_low"] == theirs.low / ours.high < row["p99"] < row["p99_high"] == theirs.high / ours.low
    assert (row["same_model"], row["same_machine"], row["interleaved"]) == (True, True, False)


def test_a_comparison_says_what_stands_in_its_way(store: Store) -> None:
    machine = run_of(np.ones(3)).machine
    other = run_of(np.ones(3), sha256="cd" * 32, machine=type(machine)(**{**fields_of(machine), "cpu": "other"}))
    table = store.compare([store.add(run_of(np.ones(3))), store.add(other)])
    (row,) = table.to_dict("records")
    assert (row["same_model"], row["same_machine"], row["p50"], row["p99_high"]) == (False, False, None, None)
    for lang in languages():
        lines = ratios_text(table, lang).splitlines()
        assert catalogue(lang)["kept.apart"] == lines[-1]
        assert len(lines) == 4


def fields_of(machine: Any) -> dict[str, Any]:
    return {name: getattr(machine, name) for name in machine.__dataclass_fields__}


def test_every_way_in_which_a_machine_differs_counts() -> None:
    machine = run_of(np.ones(3)).machine
    for name in store_tables.SAME_MACHINE:
        other = type(machine)(**{**fields_of(machine), name: "other"})
        assert store_tables.machine_differences(machine, other) == [name]
    busy = type(machine)(**{**fields_of(machine), "load_1min": 99.0})
    assert store_tables.machine_differences(machine, busy) == []


def test_one_run_is_too_little_to_compare(store: Store) -> None:
    one = store.add(run_of(np.ones(3)))
    for ids in (one, [one], []):
        with pytest.raises(MeasureError) as caught:
            store.compare(ids)
        assert caught.value.code == "store_compare"


# The fit of values and types


@pytest.mark.parametrize(
    ("value", "hint", "fit"),
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        (float("nan"), float, False),
        (None, int | None, True),
        ("x", int | None, False),
        (("a", 1), tuple[str, int], True),
        (("a",), tuple[str, int], False),
        (("a", "b"), tuple[str, ...], True),
        (["a"], tuple[str, ...], False),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        (np.ones(2), np.ndarray[Any, np.dtype[np.float64]], True),
        (np.ones((2, 2)), np.ndarray[Any, np.dtype[np.float64]], False),
        (np.array([np.inf]), np.ndarray[Any, np.dtype[np.float64]], False),
    ],
)
def test_values_fit_their_types_all_the_way_down(value: object, hint: object, fit: bool) -> None:
    assert kinds.fits(value, hint) is fit


def test_every_kind_has_its_class() -> None:
    for home, name in kinds.KINDS.values():
        cls = getattr(__import__(f"advisor.lab.{home}", fromlist=[name]), name)
        assert callable(cls.record)
        assert hasattr(cls, "from_record") or hasattr(cls, "load")


@given(st.text(max_size=300))
def test_no_text_is_taken_for_a_record_by_accident(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        entry_of(text)


def test_every_sentence_of_the_store_has_a_way_out() -> None:
    for lang in languages():
        codes = [code for code in catalogue(lang) if code.startswith("error.store_")]
        assert len(codes) > 10
        assert all(catalogue(lang)[code].endswith((".", "。")) for code in codes)


@pytest.fixture(scope="module")
def others() -> tuple[LoadRun, Ramp, Comparison]:
    """A result of each of the other kinds, measured."""
    return (
        load_test("digits", rate_per_s=100, seconds=0.5),
        ramp("digits", 50, rates_per_s=[50, 100]),
        compare("digits", {"batch": 8}, seconds=0.6, bursts=6),
    )


def test_results_of_every_kind_are_kept_and_travel(others: tuple[LoadRun, Ramp, Comparison], tmp_path: Path) -> None:
    store, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    ids = [store.add(one) for one in others]
    assert [name.startswith("20") and "digits" in name for name in ids] == [True] * 3
    imported = other.import_(store.export(None, tmp_path / "all.zip"))
    assert (sorted(imported.added), imported.refused) == (sorted(ids), ())
    for name, one in zip(ids, others, strict=True):
        assert type(other.get(name)) is type(one)
        assert other.get(name).record() == one.record()
