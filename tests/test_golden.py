"""The article's own advice as numbers: each row of its table and each closing recommendation, three times."""

import tomllib
from pathlib import Path

import pytest

from advisor import Requirements, advise

BILLS = "published_bills"
"""The file beside the cases that holds what providers worked out themselves."""
CASES = [path for path in sorted((Path(__file__).parent / "golden").glob("*.toml")) if path.stem != BILLS]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_named_family_is_first(path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    best = advise(Requirements(**case["asked"])).best
    assert best is not None, "nothing fits"
    assert case["family"] in best.families, f"first choice is {best.id}"


def test_every_row_has_its_variants() -> None:
    stems = {path.stem.removesuffix("-b").removesuffix("-c") for path in CASES}
    assert len(stems) == 9
    assert len(CASES) == 3 * len(stems)
