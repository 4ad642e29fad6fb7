"""A report written down: Markdown, and one HTML file without script that opens offline and prints on A4."""

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from advisor.page import Page, Row, Section
from advisor.paths import TEMPLATES

if TYPE_CHECKING:
    from jinja2 import Template

_MARKS = re.compile(r"([\\`*_\[\]|#])")


def html_text(page: Page, svg: str, plot_note: str) -> str:
    """Report as one HTML document; every text is escaped, nothing is loaded, no script runs.

    Parameters
    ----------
    page : Page
        What the report says.
    svg : str
        Drawing of our own making, or empty.
    plot_note : str
        What the drawing shows.
    """
    return _template().render(page=page, svg=svg, plot_note=plot_note)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["link"] = web_address
    return environment.get_template("report.html")


def web_address(url: str | None) -> str | None:
    """Address that a reader may follow; None for what is none of the web."""
    if url is None:
        return None
    try:
        return url if urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def markdown_text(page: Page) -> str:
    """Report as Markdown."""
    blocks = [f"# {_plain(page.title)}", _plain(page.subtitle)]
    if page.note:
        blocks.append("\n".join(f"> {_plain(line)}" for line in page.note.splitlines()))
    for section in (*page.answers, *page.sections):
        blocks += _blocks(section, "##")
    return "\n\n".join(blocks) + "\n"


def _blocks(section: Section, mark: str) -> list[str]:
    blocks = [f"{mark} {_plain(section.heading)}"]
    if section.lines:
        blocks.append("\n".join(f"- {_plain(line)}" for line in section.lines))
    if section.table is not None:
        rows = [[str(cell) for cell in row] for row in section.table.itertuples(index=False)]
        blocks.append(_grid(list(map(str, section.table.columns)), rows))
    if section.rows:
        blocks.append(_grid(list(section.head), [list(row.cells) for row in section.rows], section.rows))
    for part in section.parts:
        blocks += _blocks(part, f"{mark}#")
    return blocks


def _grid(head: list[str], rows: list[list[str]], linked: tuple[Row, ...] = ()) -> str:
    lines = [[_plain(cell) for cell in row] for row in rows]
    for row, line in zip(linked, lines, strict=False):
        if address := web_address(row.url):
            line[_TITLE] = f"[{line[_TITLE]}](<{address}>)"
    ruled = [[_plain(cell) for cell in head], ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


_TITLE = 3
"""Column of the evidence that holds the title of the source."""


def _plain(text: str) -> str:
    """Text that Markdown, and the HTML that it may hold, take as text."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", text)
