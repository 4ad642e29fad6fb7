"""The design, held by machine: unit factors in one place, light imports, numbers and words out of the code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import advisor
from advisor.text import catalogue, languages

PACKAGE = Path(advisor.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FACTORS = {10**3, 10**6, 10**9, 10**12, 1024, 1024**2, 1024**3, 24, 60, 365, 730, 3600, 8760, 86_400}
HEAVY = (
    "pandas",
    "scipy",
    "numpy",
    "onnx",
    "onnxruntime",
    "plotly",
    "ipywidgets",
    "pydantic",
    "dask",
    "pyarrow",
    "IPython",
)


def _numbers(path: Path) -> list[tuple[int, float]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [
        (c.lineno, c.value) for c in constants if isinstance(c.value, int | float) and not isinstance(c.value, bool)
    ]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name != "units.py"], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_unit_factors_live_in_units(path: Path) -> None:
    found = [
        (line, value)
        for line, value in _numbers(path)
        if value and (value in FACTORS or round(1 / value, 6) in FACTORS)
    ]
    assert not found, f"unit factors outside units.py: {found}"


def test_import_loads_nothing_heavy() -> None:
    program = f"import sys, advisor; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_advise_loads_no_view_and_no_runtime() -> None:
    late = ("plotly", "ipywidgets", "onnxruntime", "dask")
    program = f"import sys; from advisor import advise; print([m for m in {late!r} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "[]"
    )


def test_public_names_are_what_they_say_whatever_was_imported_before() -> None:
    program = (
        "import importlib, pkgutil, advisor, advisor.lab, advisor.view\n"
        "[importlib.import_module(f'advisor.{m}') for m in ('pipeline', 'prediction', 'knowledge', 'advice')]\n"
        "importlib.import_module('advisor.lab.measure') if importlib.util.find_spec('advisor.lab.measure') else None\n"
        "from advisor import advise, predict, load, Requirements\n"
        "from advisor.lab import measure\n"
        "print(all(callable(x) for x in (advise, predict, load, Requirements, measure)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        == "True"
    )


def _placeholders(text: str) -> set[str]:
    from string import Formatter

    return {name.split("!")[0] for _, name, _, _ in Formatter().parse(text) if name}


def test_languages_agree_key_by_key_and_placeholder_by_placeholder() -> None:
    assert {"en", "zh"} <= set(languages())
    english = catalogue("en")
    for lang in languages():
        other = catalogue(lang)
        assert set(other) == set(english)
        differing = [key for key in english if _placeholders(english[key]) != _placeholders(other[key])]
        assert not differing


def test_every_module_fits_a_screenful_of_pages() -> None:
    long = {
        str(path.relative_to(PACKAGE)): n
        for path in MODULES
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 310
    }
    assert not long
