"""What must hold for the repository as a whole: addresses, pins, notebooks, commands, packaging."""

import ast
import gzip
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from advisor import load

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
READMES = {"en": "README.md", "zh": "README.zh.md"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/*.ipynb"))

# The systems that `make run` and `pip install` are for; the interpreter is the oldest one supported.
SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix", "platform_system": "Linux"},
    "mac": {"sys_platform": "darwin", "platform_machine": "arm64", "os_name": "posix", "platform_system": "Darwin"},
    "intel-mac": {
        "sys_platform": "darwin",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "platform_system": "Darwin",
    },
    "windows": {"sys_platform": "win32", "platform_machine": "AMD64", "os_name": "nt", "platform_system": "Windows"},
}
OLDEST_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.7", "platform_python_implementation": "CPython"}

MOST_BYTES = 1_000_000
"""Of a committed file."""
LOCK_LINE = re.compile(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*( ; [^/\\@]+)?")
# JupyterLab comes with Binder's base image; pyarrow is large and no notebook reads Parquet.
FROM_BASE_IMAGE = {"jupyterlab"}
NOT_IN_BINDER = {"pyarrow"}
# Packages that bring models are large and nobody's default.
NOT_LOCKED = {"models"}

MACHINE_PATH = re.compile(r"(?<![\w.}>-])(?:/(?:root|work)/|/(?:home|Users)/[\w.-]+|[A-Z]:\\{1,2}Users\\{1,2}\w)")
MOST_LINES = 15
FORBIDDEN_IN_CELLS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.TryStar)


def lines(file: str) -> list[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def locked(system: str) -> dict[str, str]:
    """Version of every distribution that the lock installs on a system."""
    environment = SYSTEMS[system] | OLDEST_PYTHON
    pins = [Requirement(line) for line in lines("requirements.lock")]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in here}


def asked(*extras: str) -> list[Requirement]:
    optional = PROJECT["optional-dependencies"]
    return [
        Requirement(text) for text in (*PROJECT["dependencies"], *(text for name in extras for text in optional[name]))
    ]


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [path for path in (ROOT / name for name in names if name) if path.is_file()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that is or would be committed, compressed tables unpacked."""
    for path in tracked():
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8")


def code_blocks(file: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def recipe(target: str) -> list[str]:
    """Commands of a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (commands,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    return [command.strip() for command in commands.splitlines()]


def test_the_licence_is_apache_and_the_package_says_so() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", READMES)
def test_the_badge_opens_the_notebook_of_its_language_in_the_named_repository(lang: str) -> None:
    repository = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    notebook = f"notebooks/{lang}/01-advise.ipynb"
    text = (ROOT / READMES[lang]).read_text(encoding="utf-8")
    assert re.findall(r"https://mybinder\.org/v2/[^)\s]+", text) == [
        f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{notebook}"
    ]
    assert (ROOT / notebook).is_file()


def test_all_addresses_of_the_project_lie_under_its_repository() -> None:
    urls = PROJECT["urls"]
    assert [url for url in urls.values() if not url.startswith(urls["Repository"])] == []


@pytest.mark.parametrize("file", READMES.values())
def test_a_readme_counts_what_the_catalogue_holds(file: str) -> None:
    knowledge = load()
    systems = knowledge.systems.values()
    counts = [len(knowledge.models), len(knowledge.devices), len(systems), sum(s.platform is not None for s in systems),
              sum(s.engine is not None for s in systems), len(knowledge.rules), len(knowledge.servers)]  # fmt: skip
    said = next(
        line for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if f"{len(knowledge.models)} " in line
    )
    assert [int(number) for number in re.findall(r"\b\d+\b", said)][: len(counts)] == counts


@pytest.mark.parametrize("file", READMES.values())
def test_every_file_that_a_readme_links_to_exists(file: str) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / file).read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (code_blocks(file) for file in READMES.values())
    assert {"sh", "python"} <= {kind for kind, _ in english}
    assert english == chinese


@pytest.mark.parametrize("file", [*READMES.values(), "CONTRIBUTING.md"])
def test_every_make_target_that_is_named_exists(file: str) -> None:
    named = set(re.findall(r"\bmake (\w[\w-]*)", "\n".join(text for kind, text in code_blocks(file) if kind == "sh")))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_the_lock_holds_pins_alone_and_names_no_host_or_path() -> None:
    assert [line for line in lines("requirements.lock") if not LOCK_LINE.fullmatch(line)] == []
    comments = [
        line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line.startswith("#")
    ]
    assert [line for line in comments if "/" in line or "\\" in line] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_lock_satisfies_every_dependency_and_every_extra_but_models(system: str) -> None:
    environment = SYSTEMS[system] | OLDEST_PYTHON
    pins = locked(system)
    extras = PROJECT["optional-dependencies"].keys() - NOT_LOCKED
    assert set(re.findall(r"--extra (\w+)", "".join(recipe("lock")))) == extras
    wanted = [need for need in asked(*extras) if not need.marker or need.marker.evaluate(environment)]
    assert [
        str(need) for need in wanted if not need.specifier.contains(pins.get(canonicalize_name(need.name), "0"))
    ] == []


def test_binder_installs_the_run_time_dependencies_at_the_locked_versions() -> None:
    needs = [Requirement(line) for line in lines("binder/requirements.txt")]
    pins = {need.name: str(need.specifier).removeprefix("==") for need in needs if need.name not in FROM_BASE_IMAGE}
    wanted = {canonicalize_name(need.name) for need in asked("view", "lab", "serve")}
    assert {need.name for need in needs} == wanted - NOT_IN_BINDER
    assert pins == {name: locked("linux")[name] for name in pins}


def test_binder_runs_the_oldest_python_that_is_supported() -> None:
    assert lines("binder/runtime.txt") == [f"python-{PROJECT['requires-python'].removeprefix('>=')}"]


def test_pre_commit_runs_the_commands_of_make_lint() -> None:
    hooks = [line.split("entry: ")[1] for line in lines(".pre-commit-config.yaml") if "entry: " in line]
    made = [command.replace("$(BIN)", ".venv/bin").split(" notebooks/")[0] for command in recipe("lint")]
    assert hooks == made


def test_each_notebook_exists_in_both_languages() -> None:
    english, chinese = ({path.name for path in NOTEBOOKS if path.parent.name == lang} for lang in READMES)
    assert "01-advise.ipynb" in english
    assert english == chinese


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_notebooks_carry_no_outputs_and_no_programs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert "widgets" not in notebook["metadata"]
    for cell in cells:
        source = "".join(cell["source"])
        assert (cell["outputs"], cell["execution_count"]) == ([], None), source
        assert len(source.splitlines()) <= MOST_LINES, source
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, FORBIDDEN_IN_CELLS)], source


def test_no_large_file_and_no_package_is_committed() -> None:
    files = tracked()
    assert files
    assert [file.name for file in files if file.suffix == ".whl"] == []
    assert [file.name for file in files if file.stat().st_size > MOST_BYTES] == []


def test_no_committed_text_holds_a_path_of_somebodys_machine() -> None:
    found = {name: hits[:3] for name, text in tracked_texts() if (hits := MACHINE_PATH.findall(text))}
    assert found == {}


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_carries_the_data_the_notebooks_and_the_settings(wheel_files: set[str]) -> None:
    packed = [
        *(ROOT / "data").rglob("*"),
        *(path for lang in READMES for path in (ROOT / "notebooks" / lang).glob("*.ipynb")),
    ]
    wanted = {f"advisor/{path.relative_to(ROOT).as_posix()}" for path in packed if path.is_file()}
    assert wanted
    assert wanted | {"advisor/py.typed", "advisor/view/overrides.json"} <= wheel_files


def test_a_wheel_carries_nothing_else(wheel_files: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel_files} == {
        "advisor",
        f"deployment_advisor-{PROJECT['version']}.dist-info",
    }
