"""advisor notebooks: the notebooks in JupyterLab, ready to run."""

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from advisor.errors import AdvisorError, MissingExtraError
from advisor.paths import packed
from advisor.text import languages, preferred_language, sentence

FIRST = "01-advise.ipynb"
_FOLDER = "advisor-notebooks"
_OVERRIDES = Path(__file__).with_name("overrides.json")


def open_notebooks(
    *, lang: str | None = None, browser: bool = True, port: int | None = None, folder: str | Path | None = None
) -> int:
    """Start JupyterLab on the first notebook of a language and wait until it ends.

    Parameters
    ----------
    lang : str, optional
        Language id; by default the preferred one.
    browser : bool, default True
        Whether to open a browser; the address is printed in any case.
    port : int, optional
        Port of the server; JupyterLab takes the first free one from 8888 on by default.
    folder : str or Path, optional
        Folder for the notebooks; by default those of the checkout, else ``advisor-notebooks`` in the current folder.

    Returns
    -------
    int
        Exit status of JupyterLab.

    Raises
    ------
    MissingExtraError
        If JupyterLab is not installed.
    AdvisorError
        If the notebooks cannot be written to the folder.
    """
    if find_spec("jupyterlab") is None:
        raise MissingExtraError("missing_view")
    lang = lang or preferred_language()
    home = notebooks_folder(folder)
    sys.stdout.write(sentence("launch.starting", lang, folder=home, notebook=f"{lang}/{FIRST}") + "\n")
    sys.stdout.flush()
    with TemporaryDirectory() as folder_of_settings:
        settings = Path(folder_of_settings)
        environment = environment_with_settings(settings, lang)
        words = command(home, lang, workspaces=tidy_workspace(settings / "workspaces"), browser=browser, port=port)
        return _wait(subprocess.Popen(words, env=environment))


def notebooks_folder(folder: str | Path | None) -> Path:
    """Folder that holds the notebooks of every language; copied there, unless it is the checkout's own.

    A notebook that lies there already is kept as it is.

    Raises
    ------
    AdvisorError
        If the folder cannot be written.
    """
    source = packed("notebooks")
    if folder is None and _is_checkout(source):
        return source
    home = Path(folder or _FOLDER).resolve()
    for lang in languages():
        for notebook in sorted((source / lang).glob("*.ipynb")):
            _copy(notebook, home / lang / notebook.name)
    return home


def tidy_workspace(folder: Path) -> Path:
    """Folder with a workspace whose side bars are closed, so that the notebook has the whole width."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    closed = {"collapsed": True, "visible": True, "widgets": []}
    layout = {
        "main": {"dock": None},
        "down": {"size": 0, "widgets": []},
        "left": closed,
        "right": closed,
        "relativeSizes": [0, 1, 0],
    }
    workspace = {"data": {"layout-restorer:data": layout}, "metadata": {"id": "default"}}
    WorkspacesManager(str(folder)).save("default", json.dumps(workspace))
    return folder


def command(home: Path, lang: str, *, workspaces: Path, browser: bool, port: int | None) -> list[str]:
    """Command line of the server."""
    words = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={home}",
        f"--LabApp.default_url=/lab/tree/{lang}/{FIRST}",
        f"--LabApp.workspaces_dir={workspaces}",
    ]
    words += [] if browser else ["--no-browser"]
    words += [] if port is None else [f"--port={port}", "--ServerApp.port_retries=0"]
    return words + (["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])


def environment_with_settings(folder: Path, lang: str) -> dict[str, str]:
    """Environment in which JupyterLab takes the defaults of ``overrides.json``; what the user has set still wins."""
    target = folder / "labconfig"
    target.mkdir()
    (target / "default_setting_overrides.json").write_text(
        json.dumps(json.loads(_OVERRIDES.read_text(encoding="utf-8"))), encoding="utf-8"
    )
    paths = [str(folder), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths), "ADVISOR_LANG": lang}


def _is_checkout(source: Path) -> bool:
    return (source.parent / "pyproject.toml").is_file()


def _copy(notebook: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(notebook, target)
    except OSError as error:
        raise AdvisorError("notebook_folder", folder=str(target.parent), reason=error.strerror or str(error)) from None


def _wait(server: "subprocess.Popen[bytes]") -> int:
    """Exit status of the server; it ends with us, on Ctrl+C or when we are told to end, and is given the time to."""
    former = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        return 0
    finally:
        signal.signal(signal.SIGTERM, former)
