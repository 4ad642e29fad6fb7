"""Where the packed files lie: inside the installed package, or at the top of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def packed(name: str) -> Path:
    """Folder ``name`` (such as ``data`` or ``notebooks``) of the wheel, else of the checkout."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


DATA = packed("data")
TEMPLATES = _PACKAGE / "templates"
