"""Frames and sentences as HTML, and the style sheet of the widgets."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from advisor.errors import AdvisorError
from advisor.view.style import STYLE
from advisor.written import web_address

if TYPE_CHECKING:
    import pandas as pd

_TIGHT = 10
"""Characters up to which a cell of plain numbers and short names is kept on one line."""

__all__ = [
    "STYLE",
    "badge",
    "bullets",
    "data_address",
    "downloads",
    "folded",
    "grid",
    "heading",
    "links",
    "paragraph",
    "plain",
    "status",
    "table",
    "totalled",
]


def table(frame: "pd.DataFrame", *, caption: str = "", linked: str = "", addresses: Sequence[str | None] = ()) -> str:
    """Table that scrolls sideways within its own box rather than being cut off.

    The cells of the column ``linked`` lead to ``addresses``, one a row.
    """
    head = "".join(f'<th scope="col">{_breakable(str(name))}</th>' for name in frame.columns)
    pages = addresses or [None] * len(frame)
    rows = (
        "<tr>" + "".join(_cell(str(row[name]), page if name == linked else None) for name in frame.columns) + "</tr>"
        for row, page in zip(frame.to_dict("records"), pages, strict=True)
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="advisor-scroll" tabindex="0">{body}</div>'


def plain(table: str) -> str:
    """Table whose first row is like the others."""
    return f'<div class="advisor-plain">{table}</div>'


def totalled(table: str) -> str:
    """Table whose last three rows are its totals."""
    return f'<div class="advisor-plain advisor-totals">{table}</div>'


def _cell(text: str, url: str | None = None) -> str:
    kind = ' class="advisor-tight"' if len(text) <= _TIGHT and text.isascii() else ""
    return f"<td{kind}>{_linked(_breakable(text), url)}</td>"


def _linked(text: str, url: str | None) -> str:
    """Escaped text, a link where the address is one of the web."""
    address = web_address(url)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>' if address else text


def _breakable(text: str) -> str:
    """Escaped text that may be broken behind a slash."""
    return escape(text).replace("/", "/<wbr>")


def heading(text: str, level: int = 3) -> str:
    """Heading of a section."""
    return f'<h{level} class="advisor-heading">{escape(text)}</h{level}>'


def paragraph(text: str, kind: str = "text") -> str:
    """Paragraph of a kind that the style sheet knows: text, lead, note."""
    return f'<p class="advisor-{kind}">{escape(text)}</p>'


def bullets(lines: Iterable[str]) -> str:
    """One list entry a line."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def badge(text: str) -> str:
    """Short remark in a frame."""
    return f'<span class="advisor-badge">{escape(text)}</span>'


def folded(title: str, lines: Sequence[str]) -> str:
    """List behind its title; nothing where the list is empty."""
    return f"<details><summary>{escape(title)}</summary>{bullets(lines)}</details>" if lines else ""


def status(text: str, kind: str = "note") -> str:
    """Line that is read out when it changes."""
    return f'<div role="status" class="advisor-{kind}">{escape(text)}</div>' if text else ""


def lost(error: AdvisorError | None, lang: str) -> str:
    """Why a result that is shown could not be kept; nothing where it was."""
    return "" if error is None else status(error.in_language(lang), "error")


def grid(head: Sequence[str], rows: Sequence[tuple[str, Sequence[Sequence[str]]]]) -> str:
    """Things side by side: a column each, a row an aspect; several sentences in a cell become a list."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{_sentences(cell)}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    table = f"<table><thead><tr><td></td>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="advisor-scroll advisor-plain advisor-compare" tabindex="0">{table}</div>'


def _sentences(lines: Sequence[str]) -> str:
    return escape(lines[0]) if len(lines) == 1 else bullets(lines) if lines else ""


def links(entries: Iterable[tuple[str, str | None, str]]) -> str:
    """List of sources: title, address where it is one of the web, and date."""
    items = []
    for title, url, dated in entries:
        items.append(f"<li>{_linked(escape(title), url)} ({escape(dated)})</li>")
    return f"<ul>{''.join(items)}</ul>"


def downloads(title: str, files: Iterable[tuple[str, str, str]]) -> str:
    """Files to save: what they are, their name, and their content as a data address."""
    named = (
        f'<a download="{escape(name)}" href="{escape(address)}">{escape(text)}</a>' for text, name, address in files
    )
    return f'<div role="status" class="advisor-note">{escape(title)} {" · ".join(named)}</div>'


def data_address(text: str, mime: str) -> str:
    """Address that holds the content itself."""
    return f"data:{mime};charset=utf-8;base64,{b64encode(text.encode()).decode()}"
