"""Card of the latency predictions: what they rest on, how far off they are, a question asked live, where they end."""

import ipywidgets as w

from advisor.calibration import load_calibration
from advisor.card import PARTS, address_of, held_out, sources
from advisor.knowledge import Knowledge, load
from advisor.text import languages, preferred_language, sentence
from advisor.view import card_plots, card_tables, markup
from advisor.view.card_example import Example
from advisor.view.plots import as_output


class Card(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The whole card, one section below the other.

    Parameters
    ----------
    lang : str
        Language to begin with.
    knowledge : Knowledge
        What predictions stand on.
    """

    def __init__(self, lang: str, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.language = w.ToggleButtons(
            options=[(sentence("language.name", name), name) for name in sorted(languages(), reverse=True)],
            value=lang,
            style={"button_width": "6em"},
            layout=w.Layout(width="auto"),
        )
        self.summary, self.fitted, self.errors_text = w.HTML(), w.HTML(), w.HTML()
        self.fidelity, self.example_heading, self.validity = w.HTML(), w.HTML(), w.HTML()
        self.plots = {part: w.Output() for part in PARTS}
        self.headings, self.tables = ({part: w.HTML() for part in PARTS} for _ in range(2))
        self.example = Example(lang, knowledge)
        self.language.observe(lambda _: self.relabel(), names="value")
        for plot in self.plots.values():
            plot.add_class("advisor-low")
        errors = [each[part] for part in PARTS for each in (self.headings, self.plots, self.tables)]
        bar = w.HBox([self.language], layout=w.Layout(justify_content="flex-end"))
        super().__init__(
            [
                w.HTML(markup.STYLE), bar, self.summary, self.fitted, self.errors_text, *errors, self.fidelity,
                self.example_heading, self.example, self.validity,
            ]
        )  # fmt: skip
        self.add_class("advisor")
        self._show()

    @property
    def lang(self) -> str:
        """Language that is shown."""
        return str(self.language.value)

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        self._show()
        self.example.relabel(self.lang)

    def _show(self) -> None:
        lang, knowledge = self.lang, self.knowledge
        said = card_tables.lead(knowledge, lang)
        self.summary.value = markup.paragraph(said[0], "lead") + _paragraphs(said[1:])
        self.fitted.value = _heading("fitted", lang) + self._fitted()
        self.errors_text.value = _heading("errors", lang) + _paragraphs(self._how_errors_are_read())
        for part in PARTS:
            self.headings[part].value = markup.heading(sentence(f"card.part.{part}", lang))
            self.plots[part].outputs = as_output(card_plots.errors(held_out(knowledge, part), lang))
            self.tables[part].value = markup.plain(markup.table(card_tables.errors_table(knowledge, part, lang)))
        labels = markup.plain(markup.table(card_tables.fidelity_table(knowledge, lang)))
        self.fidelity.value = _heading("fidelity", lang) + markup.paragraph(sentence("card.fidelity", lang)) + labels
        self.example_heading.value = _heading("example", lang) + markup.paragraph(sentence("card.example", lang))
        self.validity.value = _heading("validity", lang) + self._validity()

    def _fitted(self) -> str:
        """What the predictions are fitted on, one line a source."""
        table = card_tables.sources_table(self.knowledge, self.lang)
        pages = [address_of(f"github:{one.repositories[0]}") for one in sources(self.knowledge)]
        linked = markup.table(table, linked=sentence("card.column.source", self.lang), addresses=pages)
        return _paragraphs(card_tables.fitted_lines(self.knowledge, self.lang)) + markup.plain(linked)

    def _how_errors_are_read(self) -> list[str]:
        enough = load_calibration().settings["fit"]["enough_groups"]
        return [
            sentence("card.errors", self.lang),
            sentence("card.chart", self.lang, enough=enough),
            sentence("card.settings", self.lang),
        ]

    def _validity(self) -> str:
        """What was measured and what was not, and what the numbers do not say."""
        lang, knowledge = self.lang, self.knowledge
        wider = load_calibration().settings["widening"]["fallback_precision"]
        return (
            markup.paragraph(sentence("card.kinds_measured", lang, wider=wider))
            + markup.plain(markup.table(card_tables.kinds_table(knowledge, lang)))
            + markup.bullets(card_tables.outside(knowledge, lang))
            + markup.paragraph(sentence("card.metrics", lang))
            + markup.plain(markup.table(card_tables.metrics_table(knowledge, lang)))
            + markup.heading(sentence("card.heading.limits", lang))
            + markup.bullets(card_tables.limits(lang))
        )


def _heading(code: str, lang: str) -> str:
    return markup.heading(sentence(f"card.heading.{code}", lang), 2)


def _paragraphs(lines: list[str]) -> str:
    return "".join(markup.paragraph(line) for line in lines)


def accuracy(lang: str | None = None, knowledge: Knowledge | None = None) -> Card:
    """Whether the predicted latencies are real: their sources, errors, labels and limits, and a question asked live.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    knowledge : Knowledge, optional
        The packed one by default.
    """
    return Card(lang or preferred_language(), load() if knowledge is None else knowledge)
