"""A record to fill in, every line explained: behind ``advisor new``."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from advisor.claims import ID
from advisor.errors import CheckError, why_not
from advisor.paths import DATA
from advisor.record_words import BLANK, choices
from advisor.shelves import KINDS
from advisor.text import DEFAULT_LANGUAGE, languages

PARTS = ("platform", "engine", "hardware", "tool")
"""What a system can be."""
_FOLDERS = {path.stem: f"{path.stem}s" for path in sorted((DATA / "templates").glob("*.toml"))}
_NAMED = re.compile(r"\{(id|blank|today|part|choices [\w.]+)\}")


def kinds() -> tuple[str, ...]:
    """Kinds of record that there is a template for."""
    return tuple(_FOLDERS)


def new_record(kind: str, name: str, *, folder: str | Path, lang: str, today: date, part: str = PARTS[0]) -> Path:
    """File of a new record, with blanks to fill in and a comment at every line.

    Parameters
    ----------
    kind : str
        One of ``kinds()``.
    name : str
        Id of the record, which names its file.
    folder : str or Path
        Data folder.
    lang : str
        Language of the comments.
    today : date
        Date of the estimates.
    part : str
        What a system is, one of ``PARTS``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckError
        If there is no such kind or part, the id cannot be one or is taken, or the file cannot be written.
    """
    if kind not in _FOLDERS:
        raise CheckError("new_kind", value=kind, known=", ".join(_FOLDERS))
    if part not in PARTS:
        raise CheckError("new_part", value=part, known=", ".join(PARTS))
    if not re.fullmatch(ID, name):
        raise CheckError("new_id", value=name)
    place = Path(folder)
    if not any((place / known).is_dir() for known in KINDS):
        raise CheckError("new_folder", value=str(folder))
    file = place / _FOLDERS[kind] / f"{name}.toml"
    values = {"id": name, "blank": BLANK, "today": today.isoformat(), "part": part}
    _write(file, filled_template(kind, values, lang))
    return file


def _write(file: Path, text: str) -> None:
    """A file that was not there before."""
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as target:
            target.write(text)
    except FileExistsError:
        raise CheckError("new_exists", file=str(file)) from None
    except OSError as error:
        raise CheckError("new_not_written", file=str(file), reason=why_not(error)) from None


def filled_template(kind: str, values: dict[str, str], lang: str) -> str:
    """Template of a kind of record with its comments in one language."""
    text = (DATA / "templates" / f"{kind}.toml").read_text(encoding="utf-8")
    lines = "\n".join(_lines(text, values["part"], lang)) + "\n"

    def named(match: re.Match[str]) -> str:
        what, _, field = match[1].partition(" ")
        return ", ".join(choices(KINDS[_FOLDERS[kind]], field)) if field else values[what]

    return _NAMED.sub(named, lines)


def _lines(text: str, part: str, lang: str) -> Iterator[str]:
    """Lines of a template: one language of comments, one part of those that exclude one another."""
    chosen, spoken = True, lang if f"#{lang} " in text else DEFAULT_LANGUAGE
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "#part":
            chosen = rest in ("", part)
        elif chosen and mark == f"#{spoken}":
            yield f"# {rest}"
        elif chosen and mark not in {f"#{other}" for other in languages()}:
            yield line
