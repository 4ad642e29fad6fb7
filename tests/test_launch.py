"""advisor notebooks: which folder, which settings, which command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from advisor.errors import AdvisorError
from advisor.paths import packed
from advisor.view import launch

LANGUAGES = {"en", "zh"}


def test_a_checkout_uses_its_own_notebooks() -> None:
    assert launch.notebooks_folder(None) == packed("notebooks")


def test_an_installed_product_copies_its_notebooks_into_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "_is_checkout", lambda _: False)
    home = launch.notebooks_folder(None)
    assert home == tmp_path / "advisor-notebooks"
    for lang in LANGUAGES:
        assert (home / lang / launch.FIRST).read_bytes() == (packed("notebooks") / lang / launch.FIRST).read_bytes()


def test_a_notebook_that_lies_there_is_kept(tmp_path: Path) -> None:
    launch.notebooks_folder(tmp_path)
    mine = tmp_path / "zh" / launch.FIRST
    mine.write_text("mine", encoding="utf-8")
    (tmp_path / "en" / launch.FIRST).unlink()
    launch.notebooks_folder(tmp_path)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "en" / launch.FIRST).is_file()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(AdvisorError) as refused:
        launch.notebooks_folder(tmp_path / "file")
    assert "--folder" in refused.value.in_language("zh")


def test_jupyterlab_reads_the_overrides_and_what_the_user_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "theirs")
    environment = launch.environment_with_settings(tmp_path, "zh")
    assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep) == [str(tmp_path), "theirs"]
    assert environment["ADVISOR_LANG"] == "zh"
    written = json.loads((tmp_path / "labconfig" / "default_setting_overrides.json").read_text(encoding="utf-8"))
    assert written == json.loads(Path(launch.__file__).with_name("overrides.json").read_text(encoding="utf-8"))


def test_the_overrides_reach_jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyterlab_server.settings_utils import _get_overrides

    environment = launch.environment_with_settings(tmp_path, "en")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", environment["JUPYTER_CONFIG_PATH"])
    overrides, error = _get_overrides(str(tmp_path / "nothing"))
    assert error == ""
    assert overrides["@jupyterlab/notebook-extension:tracker"]["windowingMode"] == "defer"


@pytest.mark.parametrize(("root", "asked"), [(True, True), (False, False)])
def test_the_command_opens_the_notebook_and_runs_as_root_only_where_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool, asked: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000, raising=False)
    words = launch.command(tmp_path, "zh", workspaces=tmp_path, browser=False, port=9001)
    assert words[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {"--LabApp.default_url=/lab/tree/zh/01-advise.ipynb", "--no-browser", "--port=9001"} <= set(words)
    assert ("--allow-root" in words) == asked


def test_a_browser_and_a_free_port_are_the_default(tmp_path: Path) -> None:
    words = launch.command(tmp_path, "en", workspaces=tmp_path, browser=True, port=None)
    assert [word for word in words if word.startswith(("--no-browser", "--port"))] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without telling it")
def test_the_server_ends_with_the_command_that_started_it(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\nfrom advisor.view.launch import _wait\n"
        "server = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "import signal, threading, time\n"
        "def ready():\n    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:\n        time.sleep(0.01)\n"
        "    print(server.pid, flush=True)\n"
        "threading.Thread(target=ready, daemon=True).start()\n_wait(server)"
    )
    command = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert command.stdout is not None
    server = psutil.Process(int(command.stdout.readline()))
    command.terminate()
    command.wait(timeout=20)
    psutil.wait_procs([server], timeout=20)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
