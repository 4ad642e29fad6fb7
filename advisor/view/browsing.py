"""The knowledge in one widget: six families, a table of systems that filters, and up to three of them side by side."""

import ipywidgets as w

from advisor.browse import ASPECTS, KINDS, aspect, chosen_systems, families_aspects, sources_of, systems_table
from advisor.explain import name_of
from advisor.knowledge import Knowledge, load
from advisor.schema import FAMILIES
from advisor.system_records import System
from advisor.text import languages, preferred_language, sentence
from advisor.view import markup

_FAMILY_ASPECTS = ("summary", "strengths", "weaknesses", "scenarios", "systems")
_SIDE_BY_SIDE = 3
_ALL = ""


class Browser(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Filters above, answers below; every change shows at once.

    Parameters
    ----------
    lang : str
        Language to begin with.
    knowledge : Knowledge
        What is shown.
    """

    def __init__(self, lang: str, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.language = w.ToggleButtons(
            options=[(sentence("language.name", name), name) for name in sorted(languages(), reverse=True)],
            value=lang,
            style={"button_width": "6em"},
            layout=w.Layout(width="auto"),
        )
        self.kind, self.family, self.words = w.Dropdown(), w.Dropdown(), w.Text(continuous_update=False)
        self.chosen = [w.Dropdown() for _ in range(_SIDE_BY_SIDE)]
        self.title, self.families, self.heading = w.HTML(), w.HTML(), w.HTML()
        self.table, self.side_heading, self.side, self.sources = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        self._quiet = False
        for control in (self.kind, self.family, self.words):
            control.observe(lambda _: self._filtered(), names="value")
        for control in self.chosen:
            control.observe(lambda _: self._show_side_by_side(), names="value")
        self.language.observe(lambda _: self.relabel(), names="value")
        bar = w.HBox(
            [self.title, self.language], layout=w.Layout(justify_content="space-between", flex_flow="row wrap")
        )
        super().__init__(
            [
                w.HTML(markup.STYLE),
                bar,
                self.families,
                self.heading,
                _row([self.kind, self.family, self.words]),
                self.table,
                self.side_heading,
                _row(self.chosen),
                self.side,
                self.sources,
            ]
        )
        self.add_class("advisor")
        self.relabel()

    @property
    def lang(self) -> str:
        """Language that is shown."""
        return str(self.language.value)

    @property
    def systems(self) -> list[System]:
        """Systems that the filters let through."""
        return chosen_systems(
            self.knowledge, kind=self.kind.value or None, family=self.family.value or None, words=self.words.value
        )

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        lang = self.lang
        self._quiet = True
        self.title.value = markup.paragraph(sentence("browse.intro", lang))
        self.heading.value = markup.heading(sentence("browse.systems", lang))
        self.side_heading.value = markup.heading(sentence("browse.side", lang))
        every = (sentence("browse.all", lang), _ALL)
        _relabel(self.kind, [every, *((sentence(f"browse_kind.{kind}", lang), kind) for kind in KINDS)])
        _relabel(self.family, [every, *((sentence(f"family.{family}", lang), family) for family in FAMILIES)])
        self.kind.description = sentence("browse.kind_label", lang)
        self.family.description = sentence("browse.family_label", lang)
        self.words.description = sentence("browse.words_label", lang)
        self.words.placeholder = sentence("browse.words_hint", lang)
        for place, control in enumerate(self.chosen, start=1):
            control.description = sentence("browse.place_label", lang, place=place)
        self._quiet = False
        self._show_families()
        self._filtered()

    def _show_families(self) -> None:
        lang = self.lang
        head = [sentence(f"family.{family}", lang) for family in FAMILIES]
        rows = [
            (
                sentence(f"browse.{name}", lang),
                [families_aspects(self.knowledge, family, name, lang) for family in FAMILIES],
            )
            for name in _FAMILY_ASPECTS
        ]
        self.families.value = markup.heading(sentence("report.families", lang)) + markup.grid(head, rows)

    def _filtered(self) -> None:
        """Show the systems that are left, and offer them for the comparison."""
        if self._quiet:
            return
        lang, systems = self.lang, self.systems
        table = systems_table(self.knowledge, systems, lang)
        count = sentence("browse.count", lang, count=len(systems), all=len(self.knowledge.systems))
        plain = f'<div class="advisor-plain">{markup.table(table)}</div>' if systems else ""
        self.table.value = markup.status(count) + plain
        self._quiet = True
        names = sorted((name_of(system, lang), system.id) for system in systems)
        for place, control in enumerate(self.chosen):
            _relabel(
                control,
                [(sentence("value.none", lang), _ALL), *names],
                systems[place].id if place < len(systems) else _ALL,
            )
        self._quiet = False
        self._show_side_by_side()

    def _show_side_by_side(self) -> None:
        if self._quiet:
            return
        lang = self.lang
        ids = dict.fromkeys(control.value for control in self.chosen if control.value)
        systems = [self.knowledge.systems[name] for name in ids]
        rows = [
            (sentence(f"browse.{name}", lang), cells)
            for name in ASPECTS
            if any(cells := [aspect(self.knowledge, system, name, lang) for system in systems])
        ]
        self.side.value = markup.grid([name_of(system, lang) for system in systems], rows) if systems else ""
        self.sources.value = "".join(_sources(system, lang) for system in systems)


def _sources(system: System, lang: str) -> str:
    title = sentence("browse.sources", lang, name=name_of(system, lang))
    entries = [(source.title, source.url, source.dated) for source in sources_of(system)]
    estimates = sentence("browse.estimates", lang, count=len(system.estimates), record=f"data/systems/{system.id}.toml")
    note = markup.paragraph(estimates, "note") if system.estimates else ""
    return markup.paragraph(title) + markup.links(entries) + note


def _row(controls: list[w.DOMWidget]) -> w.GridBox:
    """Controls beside each other as far as there is room."""
    boxes = [w.VBox([control]) for control in controls]
    for box in boxes:
        box.add_class("advisor-field")
    row = w.GridBox(boxes, layout=w.Layout(grid_template_columns="repeat(auto-fill, minmax(15em, 1fr))"))
    row.add_class("advisor-grid")
    return row


def _relabel(control: w.Dropdown, options: list[tuple[str, str]], preferred: str = _ALL) -> None:
    """Give a list new words or entries and keep what was chosen where it is still there."""
    kept, values = control.value, [value for _, value in options]
    control.options = options
    control.value = kept if kept and kept in values else preferred if preferred in values else values[0]


def browser(lang: str | None = None, knowledge: Knowledge | None = None) -> Browser:
    """Families and systems to browse and compare.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    knowledge : Knowledge, optional
        The packed one by default.
    """
    return Browser(lang or preferred_language(), load() if knowledge is None else knowledge)
