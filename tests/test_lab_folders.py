"""The user's folders on every system, and files that are replaced in one step."""

import errno
import os
import sys
from pathlib import Path

import pytest

from advisor.errors import MeasureError
from advisor.lab.folders import cache_folder, data_folder, replacing
from advisor.text import languages

NAMES = ("ADVISOR_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with none of the variables that name a folder."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("platform", "cache", "data"),
    [
        ("linux", ".cache/advisor", ".local/share/advisor"),
        ("freebsd14", ".cache/advisor", ".local/share/advisor"),
        ("darwin", "Library/Caches/advisor", "Library/Application Support/advisor"),
        ("win32", "AppData/Local/advisor", "AppData/Local/advisor"),
    ],
)
def test_each_system_has_its_own_place(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, cache: str, data: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert (cache_folder(), data_folder()) == (home / cache, home / data)


@pytest.mark.parametrize(
    ("platform", "names"),
    [("linux", ("XDG_CACHE_HOME", "XDG_DATA_HOME")), ("win32", ("LOCALAPPDATA", "LOCALAPPDATA"))],
)
def test_a_variable_of_the_system_names_the_place(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, names: tuple[str, str]
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in names:
        monkeypatch.setenv(name, str(home / name))
    assert (cache_folder(), data_folder()) == tuple(home / name / "advisor" for name in names)


def test_a_relative_variable_is_no_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_folder() == home / ".cache" / "advisor"


def test_the_users_choice_wins_everywhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, str(home / "other"))
    monkeypatch.setenv("ADVISOR_HOME", str(home / "mine"))
    for platform in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        assert (cache_folder(), data_folder()) == (home / "mine" / "cache", home / "mine" / "data")


@pytest.mark.usefixtures("home")
def test_nobody_without_a_home_is_left_without_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(MeasureError) as caught:
        data_folder()
    assert all("ADVISOR_HOME" in caught.value.in_language(lang) for lang in languages())


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.onnx"
    for content in ("first", "second"):
        before = path.read_text() if path.exists() else None
        with replacing(path) as draft:
            draft.write_text(content)
            assert (path.read_text() if path.exists() else None) == before
            whole = draft.stat().st_ino
        assert path.read_text() == content
        assert path.stat().st_ino == whole
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as draft:
        draft.write_text("half\ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "only be read"), (errno.EACCES, "permission"), (errno.EIO, "opened")],
)
def test_a_disk_that_takes_nothing_is_a_sentence(tmp_path: Path, number: int, reason: str) -> None:
    with pytest.raises(MeasureError) as caught, replacing(tmp_path / "file.onnx"):
        raise OSError(number, os.strerror(number))
    assert reason in caught.value.in_language("en")
    assert all(str(tmp_path) in caught.value.in_language(lang) for lang in languages())
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for below in ("taken", "taken/deeper"):
        with pytest.raises(MeasureError, match="place of a folder"), replacing(tmp_path / below / "file.onnx"):
            pytest.fail("nothing can be written there")
