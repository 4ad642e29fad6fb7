"""An Advice as widgets: first choice, ranked table, six families, plot, reasons, what it rests on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import ipywidgets as w

from advisor.advice import Advice
from advisor.explain import assumption_lines
from advisor.money import price_source
from advisor.report import headline, label
from advisor.results import Option
from advisor.text import sentence
from advisor.view import markup, plots
from advisor.view.handing_on import HandingOn

if TYPE_CHECKING:
    import pandas as pd

ROWS = 10
_LEFT_TO_THE_REASONS = ("id", "family")
_PAIRS = (("system", "region"), ("engine", "precision"))
_BETWEEN = " · "


class Answer(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows one advice at a time in one language."""

    def __init__(self) -> None:
        self.first = w.HTML()
        self.ranked = w.HTML()
        self.families = w.HTML()
        self.changed = w.HTML()
        self.plot_heading = w.HTML()
        self.plot = w.Output(layout=w.Layout(width="100%", min_height="430px"))
        self.plot_note = w.HTML()
        self.reasons_heading = w.HTML()
        self.stack = w.Dropdown(layout=w.Layout(width="100%"))
        self.reasons = w.HTML()
        self.basis = w.HTML()
        self.report = HandingOn()
        self._advice: Advice | None = None
        self._lang = ""
        self.stack.observe(lambda _: self._explain(), names="value")
        field = w.VBox([self.stack])
        field.add_class("advisor-field")
        super().__init__(
            [
                self.first,
                self.report,
                self.changed,
                self.ranked,
                self.families,
                self.plot_heading,
                self.plot,
                self.plot_note,
                self.reasons_heading,
                field,
                self.reasons,
                self.basis,
            ]
        )

    def show(self, advice: Advice, lang: str) -> None:
        """Show an advice in a language."""
        chosen = self.stack.value if self._advice is advice else None
        self._advice, self._lang = advice, lang
        options = advice.shortlist
        self._show_tables(advice, lang)
        self._show_plot(options, advice, lang)
        self.report.show(advice, lang)
        self.reasons_heading.value = markup.heading(sentence("view.reasons", lang)) if options else ""
        self.stack.description = sentence("view.stack", lang)
        names = [ranked_name(rank, option, lang) for rank, option in enumerate(options, start=1)]
        self.stack.options = [(name, option.id) for name, option in zip(names, options, strict=True)]
        self.stack.layout.display = None if options else "none"
        self.stack.value = chosen or (options[0].id if options else None)
        self._explain()
        self.basis.value = _basis(advice, lang)

    def mark_old(self, *, old: bool) -> None:
        """Fade the answer while it belongs to other numbers than the controls show."""
        if old:
            self.add_class("advisor-old")
        else:
            self.remove_class("advisor-old")

    def _show_tables(self, advice: Advice, lang: str) -> None:
        text = headline(advice.best, lang) if advice.best else sentence("report.nothing", lang)
        self.first.value = markup.paragraph(text, "lead")
        changed = advice.before_and_after(ROWS, lang)
        self.changed.value = "" if changed is None else _changed(changed, lang)
        frame = _narrow(advice.table(ROWS, lang), lang)
        title = markup.heading(sentence("report.ranked", lang))
        self.ranked.value = title + markup.table(frame) if len(frame) else ""
        self.families.value = (
            markup.heading(sentence("report.families", lang))
            + f'<div class="advisor-plain">{markup.table(_without_ids(advice.families(lang), lang))}</div>'
        )

    def _show_plot(self, options: tuple[Option, ...], advice: Advice, lang: str) -> None:
        shown = None if options else "none"
        for part in (self.plot_heading, self.plot, self.plot_note):
            part.layout.display = shown
        self.plot_heading.value = markup.heading(sentence("view.plot.title", lang))
        missing = len(options) - len(plots.drawable(options))
        notes = [
            sentence("view.plot.note", lang),
            sentence("view.plot.not_drawn", lang, count=missing) if missing else "",
        ]
        self.plot_note.value = "".join(markup.paragraph(note, "note") for note in notes if note)
        self.plot.outputs = plots.as_output(plots.cost_latency(options, advice.asked.p99_ms, lang)) if options else ()

    def _explain(self) -> None:
        if self._advice is None or self.stack.value is None:
            self.reasons.value = ""
            return
        self.reasons.value = markup.bullets(self._advice.explain(self.stack.value, self._lang).splitlines())


def _changed(frame: "pd.DataFrame", lang: str) -> str:
    """Stacks before and after the measurement on the user's machine."""
    return markup.heading(sentence("report.before_after", lang)) + markup.table(frame)


def _without_ids(frame: "pd.DataFrame", lang: str) -> "pd.DataFrame":
    """Families without the ids that only a program needs."""
    return frame.drop(columns=sentence("column.id", lang), errors="ignore")


def _narrow(frame: "pd.DataFrame", lang: str) -> "pd.DataFrame":
    """Ranked table without what the reasons tell, and with pairs of columns in one, so that it fits a projector."""
    frame = frame.drop(columns=[sentence(f"column.{name}", lang) for name in _LEFT_TO_THE_REASONS])
    for names in _PAIRS:
        first, second = (sentence(f"column.{name}", lang) for name in names)
        frame[first] = frame[first] + _BETWEEN + frame[second]
        frame = frame.drop(columns=second).rename(columns={first: f"{first}{_BETWEEN}{second}"})
    return frame


def ranked_name(rank: int, option: Option, lang: str) -> str:
    """Rank, system, hardware, engine and precision of an option, for a list to choose from."""
    names = (label(option.names, part, lang) for part in ("system", "hardware", "engine"))
    return " · ".join((str(rank), *names, option.precision))


def _basis(advice: Advice, lang: str) -> str:
    """What the answer rests on: what was assumed, where prices come from, of which dates."""
    lines = list(assumption_lines(advice.question, lang))
    shown = advice.shortlist[:ROWS]
    if shown:
        lines.append(sentence("view.prices_dated", lang, dates=", ".join(_seen(option.price_date for option in shown))))
    lines.append(sentence("view.interval_note", lang))
    sources = _seen(price_source(source, lang) for option in shown for source in option.sources)
    title = markup.heading(sentence("view.basis", lang))
    return title + markup.bullets(lines) + markup.folded(sentence("view.sources", lang, count=len(sources)), sources)


def _seen(words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word})
