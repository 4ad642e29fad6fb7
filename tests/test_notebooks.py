"""The notebooks are what their source says, in both languages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
LANGUAGES = ("en", "zh")
MOST_LINES = 10
COMMENT = re.compile(r"^\s*# |  # ", re.MULTILINE)


def build(tree: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the builder of a copied tree."""
    return subprocess.run(
        [sys.executable, str(tree / "tools" / "build_notebooks.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy of the builder and the notebooks."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "build_notebooks.py", tmp_path / "tools")
    shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints", "runs")
    )
    return tmp_path


def test_the_notebooks_are_a_fresh_build(tree: Path) -> None:
    built = build(tree, "--check")
    assert (built.returncode, built.stdout.strip()) == (0, "up to date"), built.stdout + built.stderr


def test_a_notebook_that_was_edited_by_hand_is_noticed(tree: Path) -> None:
    notebook = tree / "notebooks" / "zh" / "01-advise.ipynb"
    notebook.write_text(notebook.read_text(encoding="utf-8").replace("app(", "app( "), encoding="utf-8")
    built = build(tree, "--check")
    assert (built.returncode, built.stdout.split()) == (1, [f"zh/{notebook.name}"])


@pytest.mark.parametrize(
    ("english", "chinese", "what"),
    [("Wait 20 ms.", "等 30 毫秒。", "numbers"), ("## Title", "标题", "headings"), ("[a](b.md)", "[甲](c.md)", "links"),
     ("`qps`", "`p99_ms`", "code")],
)  # fmt: skip
def test_languages_that_drift_apart_stop_the_build(tree: Path, english: str, chinese: str, what: str) -> None:
    cells = f'# %% [markdown] lang="en"\n# {english}\n\n# %% [markdown] lang="zh"\n# {chinese}\n\n# %%\n1 + 1\n'
    (tree / "notebooks" / "src" / "99-drift.py").write_text(cells, encoding="utf-8")
    built = build(tree)
    assert built.returncode == 1
    assert what in built.stderr


def test_a_cell_that_lacks_its_other_language_stops_the_build(tree: Path) -> None:
    (tree / "notebooks" / "src" / "99-alone.py").write_text(
        '# %% [markdown] lang="en"\n# Alone\n\n# %%\n1 + 1\n', encoding="utf-8"
    )
    assert build(tree).returncode == 1


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_code_cells_are_short_and_speak_no_language(source: Path) -> None:
    for cell in jupytext.read(source, fmt="py:percent").cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= MOST_LINES, cell.source
            assert cell.source.isascii(), cell.source
            assert not COMMENT.search(cell.source), cell.source


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_cell_that_runs_shows_the_whole_app_in_its_language(lang: str) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / lang / "01-advise.ipynb", as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.source == f'from advisor.view import app\n\napp(lang="{lang}")'


def test_ids_of_cells_are_unique_and_each_language_is_marked_nowhere() -> None:
    for path in (ROOT / "notebooks" / lang / f"{source.stem}.ipynb" for lang in LANGUAGES for source in SOURCES):
        cells = nbformat.read(path, as_version=4).cells
        assert len({cell.id for cell in cells}) == len(cells)
        assert [cell.metadata for cell in cells if "lang" in cell.metadata] == []
