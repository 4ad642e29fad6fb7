"""Advice: the answer as people read it and hand it on."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from advisor import document as documents
from advisor.bill_table import bill_table
from advisor.document import Candidate, Document, FamilyVerdict
from advisor.errors import UnknownIdError
from advisor.explain import basis_lines, ranked_lines, stopped_lines
from advisor.knowledge import Knowledge, load
from advisor.money import USD, currency_of
from advisor.page import Page, page
from advisor.plans import plans_table
from advisor.plot import cost_latency_svg, drawable
from advisor.report import families_table, headline, options_table
from advisor.report_files import write_report
from advisor.requirements import Requirements
from advisor.results import Option
from advisor.saved_rows import COLUMNS, option_row, rejected_row
from advisor.text import preferred_language, sentence
from advisor.written import html_text, markdown_text

if TYPE_CHECKING:
    import pandas as pd


class Advice:
    """Ranked deployment stacks for one question, as they were handed on.

    Parameters
    ----------
    document : Document
        Everything that was worked out and kept.
    knowledge : Knowledge, optional
        Words of rules and systems; the packed ones by default.
    """

    def __init__(self, document: Document, knowledge: Knowledge | None = None) -> None:
        self._document = document
        self.knowledge = load() if knowledge is None else knowledge

    @classmethod
    def from_json(cls, text: str) -> "Advice":
        """Advice that :meth:`to_json` wrote: the first fifty kinds of stack, the six families, what would change it.

        Raises
        ------
        DocumentError
            If the text is no advice of this format.
        """
        return Advice(documents.from_json(text))

    @property
    def document(self) -> Document:
        """Everything that is handed on: numbers and codes, no prose."""
        return self._document

    @cached_property
    def asked(self) -> Requirements:
        """The requirements that were asked."""
        return Requirements(**self.document.asked)

    @property
    def question(self) -> documents.Asked:
        """What was asked, every open wish filled."""
        return self.document.question

    @property
    def best(self) -> Option | None:
        """First choice, or None where nothing fits."""
        return self.shortlist[0] if self.shortlist else None

    @property
    def shortlist(self) -> tuple[Option, ...]:
        """Best stack of every kind (platform and device), in rank order."""
        return self.document.options

    @property
    def verdicts(self) -> tuple[FamilyVerdict, ...]:
        """Best stack or nearest miss of each of the six families."""
        return self.document.families

    @property
    def kinds(self) -> int:
        """Kinds of stack that fit."""
        return self.document.kinds

    @property
    def calibrated(self) -> str:
        """Date of the calibration of the latency model."""
        return self.document.calibrated

    def table(self, n: int = 10, lang: str | None = None) -> "pd.DataFrame":
        """Ranked table of the best stack of each kind, worded.

        Parameters
        ----------
        n : int, default 10
            Rows.
        lang : str, optional
            Language id.
        """
        return options_table(self.shortlist[:n], lang or preferred_language())

    def families(self, lang: str | None = None) -> "pd.DataFrame":
        """Best stack and verdict of each of the six families, always six rows."""
        return families_table(self.verdicts, self.knowledge, lang or preferred_language())

    def before_and_after(self, n: int = 10, lang: str | None = None) -> "pd.DataFrame | None":  # noqa: ARG002
        """What a measurement on the user's machine changed; None of an advice that was saved, or without one.

        Parameters
        ----------
        n : int, default 10
            Rows.
        lang : str, optional
            Language id.
        """
        return None

    @property
    def options(self) -> "pd.DataFrame":
        """Stacks that fit, in rank order; of an advice that was saved, the best of each kind."""
        import pandas as pd

        return pd.DataFrame([option_row(option) for option in self.shortlist], columns=list(COLUMNS))

    @property
    def rejected(self) -> "pd.DataFrame":
        """Stacks that do not fit, each with its first rule; of an advice that was saved, the nearest misses."""
        import pandas as pd

        lang = preferred_language()
        return pd.DataFrame([rejected_row(miss, self.knowledge, lang) for miss in self._misses()])

    def bill(self, option_id: str | None = None, *, currency: str = USD, lang: str | None = None) -> "pd.DataFrame":
        """Monthly bill of a stack, line by line, with how each line is worked out, its source and its date.

        Parameters
        ----------
        option_id : str, optional
            Stack; the first choice by default.
        currency : str, default "USD"
            What amounts are shown in, one of ``data/currency.toml``.
        lang : str, optional
            Language id.

        Raises
        ------
        UnknownIdError
            If no stack of this answer that fits has that id.
        RequirementError
            If there is no rate of the currency.
        """
        lang = lang or preferred_language()
        return bill_table(self.option(option_id), currency_of(self.knowledge, currency), lang)

    def plans(self, option_id: str | None = None, *, currency: str = USD, lang: str | None = None) -> "pd.DataFrame":
        """The bill of a stack on demand, on spot, and with commitments, where prices are published.

        Parameters and errors as of :meth:`bill`; a row a plan, on demand first.
        """
        lang = lang or preferred_language()
        return plans_table(self.option(option_id), self.knowledge, currency_of(self.knowledge, currency), lang)

    def option(self, option_id: str | None = None) -> Option:
        """A stack that fits: the first choice, or the one with an id.

        Raises
        ------
        UnknownIdError
            If no stack of this answer that fits has that id.
        """
        if option_id is None and self.best is not None:
            return self.best
        found = next((option for option in self.shortlist if option.id == option_id), None)
        found = found or (None if option_id is None else self._option_beyond(option_id))
        if found is None:
            raise self._unknown(option_id or "", preferred_language())
        return found

    def _option_beyond(self, option_id: str) -> Option | None:  # noqa: ARG002  # of a saved advice there is no more
        """A stack that fits and is not on the shortlist."""
        return None

    def explain(self, option_id: str, lang: str | None = None) -> str:
        """Why a stack is ranked where it is, or what stops it, in sentences.

        Raises
        ------
        UnknownIdError
            If no stack of this answer has that id.
        """
        return "\n".join(self._explained(option_id, lang or preferred_language()))

    def _explained(self, option_id: str, lang: str) -> Iterator[str]:
        ranks = {option.id: rank for rank, option in enumerate(self.shortlist)}
        if option_id in ranks:
            rank = ranks[option_id]
            yield from ranked_lines(self.shortlist, rank, self.kinds, self.knowledge, lang)
            yield from basis_lines(self.question, self.calibrated, self.shortlist[rank], lang)
        else:
            yield from self._explained_beyond(option_id, lang)

    def _explained_beyond(self, option_id: str, lang: str) -> Iterator[str]:
        """Sentences on a stack that is not on the shortlist."""
        misses = {miss.id: miss for miss in self._misses()}
        if option_id not in misses:
            raise self._unknown(option_id, lang)
        return stopped_lines(misses[option_id], self.knowledge, lang)

    def _unknown(self, option_id: str, lang: str) -> UnknownIdError:
        near = get_close_matches(option_id, [option.id for option in self.shortlist], n=3, cutoff=0.3)
        known = ", ".join(near) or sentence("value.none_possible", lang)
        return UnknownIdError("unknown_option", value=option_id, known=known)

    def _misses(self) -> list[Candidate]:
        """Nearest misses of the families, and the cheaper stack that one rule stops."""
        named = [verdict.best for verdict in self.verdicts] + [self.document.cheaper]
        return list({one.id: one for one in named if one is not None and not one.fits}.values())

    def page(self, lang: str | None = None, *, note: str = "") -> Page:
        """Report as sections, before it is written down."""
        return page(self.document, self.knowledge, lang or preferred_language(), note=note)

    def to_markdown(self, lang: str | None = None, *, note: str = "") -> str:
        """Report as Markdown; ``note`` is a remark of one's own at its head."""
        return markdown_text(self.page(lang, note=note))

    def to_html(self, path: str | Path | None = None, lang: str | None = None, *, note: str = "") -> str:
        """Report as one HTML document that needs no network and no script.

        Parameters
        ----------
        path : str or Path, optional
            File to write it to.
        lang : str, optional
            Language id.
        note : str, optional
            A remark of one's own at its head.

        Returns
        -------
        str
            The document; its path where it was written to a file.

        Raises
        ------
        DocumentError
            If the file cannot be written.
        """
        lang = lang or preferred_language()
        document = self.document
        slo_ms = document.question.p99_ms
        svg = cost_latency_svg(document.options, slo_ms, lang) if drawable(document.options) else ""
        text = html_text(self.page(lang, note=note), svg, sentence("page.plot_note", lang))
        if path is None:
            return text
        write_report(text, path)
        return str(path)

    def to_json(self, *, what_if: bool = False) -> str:  # noqa: ARG002  # nothing can be added to what was saved
        """The question, the first fifty kinds of stack, the six families and their sources, as JSON.

        Parameters
        ----------
        what_if : bool, default False
            Whether to work out, too, what would change the first choice, which takes some twenty questions more; an
            advice that was saved keeps what it holds.
        """
        return documents.to_json(self.document)

    def _repr_html_(self) -> str:
        lang = preferred_language()
        head = headline(self.best, lang) if self.best else sentence("report.nothing", lang)
        return "".join(
            [
                f"<p><strong>{escape(head)}</strong></p>",
                self.table(lang=lang).to_html(index=False, escape=True),
                f"<p>{escape(sentence('report.families', lang))}</p>",
                self.families(lang).to_html(index=False, escape=True),
            ]
        )
