"""notebooks/src/*.py -> notebooks/<language>/*.ipynb: one source, a notebook a language, no outputs.

Markdown cells are marked lang="en" or lang="zh"; code cells are shared, and LANG stands for the language in them.  A
cell
in one language is followed by the same cell in the other: equal headings, numbers, links and code words.  ``--check``
writes nothing and fails where a built notebook is not up to date.
"""

import argparse
import hashlib
import re
import sys
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_notebook

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LANGUAGES = ("en", "zh")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ONLY_IN_SOURCE = "only-in-source"
LANGUAGE_NAME = re.compile(r"\bLANG\b")
BREAK_IN_CHINESE = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef`])")
SAME = {
    "headings": re.compile(r"^#+(?= )", re.MULTILINE),
    "numbers": re.compile(r"(?<![\w.])\d+(?:\.\d+)?"),
    "links": re.compile(r"\]\(([^)]+)\)"),
    "code": re.compile(r"`[^`]+`"),
}


def built(source: Path) -> dict[str, str]:
    """Text of the notebook in every language."""
    cells = [
        cell
        for cell in jupytext.read(source, fmt="py:percent").cells
        if ONLY_IN_SOURCE not in cell.metadata.get("tags", [])
    ]
    parts = {lang: [cell for cell in cells if cell.metadata.get("lang", lang) == lang] for lang in LANGUAGES}
    check_pairs(source, parts)
    return {lang: notebook_text(source.stem, lang, deepcopy(parts[lang])) for lang in LANGUAGES}


def check_pairs(source: Path, parts: dict[str, list]) -> None:
    """End with a sentence where the languages have drifted apart."""
    kinds = {lang: [cell.cell_type for cell in cells] for lang, cells in parts.items()}
    if len(set(map(tuple, kinds.values()))) != 1:
        raise SystemExit(f"{source.name}: the languages differ in the order of their cells: {kinds}")
    for pair in zip(*parts.values(), strict=True):
        if pair[0].cell_type == "code":
            continue
        for what, pattern in SAME.items():
            first, second = (sorted(pattern.findall(cell.source)) for cell in pair)
            if first != second:
                raise SystemExit(
                    f"{source.name}: {what} differ, {first} and {second}, in the cell {pair[0].source[:60]!r}"
                )


def notebook_text(name: str, lang: str, cells: list) -> str:
    """Notebook file; the language stands where the source says LANG, ids follow from place and content."""
    for place, cell in enumerate(cells):
        cell.metadata.pop("lang", None)
        cell.source = (
            LANGUAGE_NAME.sub(f'"{lang}"', cell.source)
            if cell.cell_type == "code"
            else BREAK_IN_CHINESE.sub("", cell.source)
        )
        cell["id"] = hashlib.sha256(f"{name}/{lang}/{place}/{cell.source}".encode()).hexdigest()[:12]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    nbformat.validate(notebook)
    return nbformat.writes(notebook, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which notebooks are not up to date")
    check = parser.parse_args().check
    stale = []
    for source in sorted((NOTEBOOKS / "src").glob("*.py")):
        for lang, text in built(source).items():
            target = NOTEBOOKS / lang / f"{source.stem}.ipynb"
            if target.is_file() and target.read_text(encoding="utf-8") == text:
                continue
            stale.append(target.relative_to(NOTEBOOKS).as_posix())
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="\n")
    print("\n".join(stale) or "up to date")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
