"""A question asked live: the prediction, what it rests on, and what was measured beside it."""

from dataclasses import replace
from typing import Any

import ipywidgets as w

from advisor.card import FORMATS, address_of, fit_of
from advisor.claims import Source
from advisor.comparison import TOKENS, Asked, Comparison, Measured, compare, counts_units, examples, generates
from advisor.errors import AdvisorError
from advisor.explain import name_of
from advisor.knowledge import Knowledge
from advisor.numbers import interval_text, number
from advisor.requirements import settings
from advisor.results import Refusal
from advisor.text import sentence
from advisor.view import card_plots, card_tables, markup
from advisor.view.plots import as_output

_OWN = ""
"""Stands in the list of examples for a question that somebody put together."""
_WHOLE = ("batch", "units", "input_tokens")


class Example(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls above, answer below; every change asks again.

    Parameters
    ----------
    lang : str
        Language.
    knowledge : Knowledge
        What predictions stand on.
    """

    def __init__(self, lang: str, knowledge: Knowledge) -> None:
        self.lang, self.knowledge = lang, knowledge
        self.found: Comparison | None = None
        self._quiet = False
        self._examples = examples(knowledge)
        self.start, self.setting = w.Dropdown(), w.Dropdown()
        self.controls: dict[str, Any] = {
            **{name: w.Dropdown() for name in ("model", "device", "precision", "engine")},
            **{name: w.IntText(continuous_update=False) for name in _WHOLE},
        }
        self.boxes = {name: _field(control) for name, control in self.controls.items()}
        self.setting_box = _wide(_field(self.setting))
        self.answer, self.plot, self.beside, self.basis = w.HTML(), w.Output(), w.HTML(), w.HTML()
        self.plot.add_class("advisor-low")
        self.relabel(lang)
        self.start.observe(lambda _: self._started(), names="value")
        self.setting.observe(lambda _: self._go_to_setting(), names="value")
        for control in self.controls.values():
            control.observe(lambda _: self._edited(), names="value")
        fields = w.GridBox(
            [_wide(_field(self.start)), *self.boxes.values(), self.setting_box],
            layout=w.Layout(grid_template_columns="repeat(auto-fill, minmax(15em, 1fr))"),
        )
        fields.add_class("advisor-grid")
        super().__init__([w.HTML(markup.STYLE), fields, self.answer, self.plot, self.beside, self.basis])
        self.add_class("advisor")
        self.fill(self._examples[0])

    @property
    def asked(self) -> Asked:
        """Question that the controls hold."""
        values = {name: control.value for name, control in self.controls.items()}
        return Asked(**values | {"engine": values["engine"] or None})

    def fill(self, asked: Asked) -> None:
        """Put a question into the controls and ask it."""
        self._quiet = True
        tokens = asked.input_tokens or settings()["defaults"]["llm"]["input_tokens"]
        for name, control in self.controls.items():
            control.value = tokens if name == "input_tokens" else getattr(asked, name) or control.options[0][1]
        self._quiet = False
        self.refresh()

    def refresh(self) -> None:
        """Ask what the controls say, and show the answer or what is wrong."""
        asked = self.asked
        language = generates(asked, self.knowledge)
        self.boxes["input_tokens"].layout.display = None if language else "none"
        self.boxes["units"].layout.display = None if counts_units(asked, self.knowledge) else "none"
        try:
            self.found = compare(asked, self.knowledge)
        except AdvisorError as error:
            self.found = None
            self.answer.value = markup.status(error.in_language(self.lang), "error")
            self.plot.outputs, self.beside.value, self.basis.value = (), "", ""
            return
        self._offer_settings(self.found)
        self._show(self.found)

    def _show(self, found: Comparison) -> None:
        lang, refused = self.lang, isinstance(found.answer, Refusal)
        self.answer.value = _answer(found, lang)
        self.plot.outputs = () if refused else as_output(card_plots.comparison(found, self.knowledge, lang))
        self.beside.value = _beside(found, self.knowledge, lang)
        self.basis.value = "" if refused else self._basis(found)

    def relabel(self, lang: str) -> None:
        """Put every word in a language; the question stays."""
        self.lang, knowledge, start = lang, self.knowledge, self.start.value
        asked = None if start is None else self.asked
        self._quiet = True
        for name, control in {**self.controls, "start": self.start, "setting": self.setting}.items():
            control.description = sentence(f"card.label.{name}", lang)
        engines = sorted((name_of(one, lang), one.id) for one in knowledge.systems.values() if one.engine)
        options = {
            "model": sorted(((one.name, one.id) for one in knowledge.models.values()), key=_as_read),
            "device": sorted(((one.name, one.id) for one in knowledge.devices.values()), key=_as_read),
            "precision": [(name, name) for name in FORMATS],
            "engine": [(sentence("card.any_engine", lang), ""), *engines],
        }
        for name, entries in options.items():
            self.controls[name].options = entries
        named = [(self._named(one), place) for place, one in enumerate(self._examples)]
        self.start.options = [(sentence("card.setting_free", lang), _OWN), *named]
        self.start.value = 0 if start is None else start
        self._quiet = False
        if asked:
            self.fill(asked)

    def _named(self, asked: Asked) -> str:
        answer = compare(asked, self.knowledge).answer
        code = "card.refusal" if isinstance(answer, Refusal) else f"fidelity.{answer.fidelity}"
        return f"{sentence(code, self.lang)} – {card_tables.question(asked, self.knowledge, self.lang)}"

    def _started(self) -> None:
        if not self._quiet and self.start.value != _OWN:
            self.fill(self._examples[self.start.value])

    def _edited(self) -> None:
        if not self._quiet:
            self._own()
            self.refresh()

    def _own(self) -> None:
        """Say that the question is none of the examples any more."""
        self._quiet = True
        self.start.value = _OWN
        self._quiet = False

    def _offer_settings(self, found: Comparison) -> None:
        """List the settings in which this model was measured on this device."""
        options = {_setting(one, self.knowledge, self.lang): one for one in found.measured if _can_be_asked(one)}
        self.setting_box.layout.display = None if options else "none"
        self._quiet = True
        self.setting.options = [(sentence("card.setting_free", self.lang), ""), *options.items()]
        self.setting.value = ""
        self._quiet = False

    def _go_to_setting(self) -> None:
        if self._quiet or self.setting.value == "":
            return
        one: Measured = self.setting.value
        known = {name for _, name in self.controls["engine"].options}
        engine = one.engine_id if one.engine_id in known else None
        self._own()
        hardware = replace(self.asked, precision=one.precision, engine=engine, units=round(one.units))
        self.fill(replace(hardware, batch=one.batch or 1, input_tokens=one.input_tokens))

    def _basis(self, found: Comparison) -> str:
        """Label, date of the fit, and where the figures of the device come from."""
        lang, device = self.lang, self.knowledge.devices[found.asked.device]
        measured = not isinstance(found.answer, Refusal) and found.answer.fidelity == "measured"
        dated = sentence("card.fitted_dated", lang, dated=fit_of(self.knowledge)["dated"])
        facts = [(one.title, one.url, one.dated) for one in device.claims if isinstance(one, Source)]
        estimates = len(device.claims) - len(facts)
        record = f"data/devices/{device.id}.toml"
        lines = [
            "" if measured else markup.paragraph(dated, "note"),
            markup.paragraph(sentence("card.device_sources", lang, name=device.name), "note"),
            markup.links(facts),
            markup.paragraph(sentence("browse.estimates", lang, count=estimates, record=record), "note")
            if estimates
            else "",
        ]
        return "".join(lines)


def _answer(found: Comparison, lang: str) -> str:
    """Predicted times with their label; the sentence of a refusal."""
    if isinstance(found.answer, Refusal):
        numbers = {name: number(value) if isinstance(value, float) else value for name, value in found.answer.numbers}
        reason = sentence(f"refusal.{found.answer.code}", lang, **numbers)
        return markup.status(sentence("cli.refused", lang, reason=reason), "lead")
    times = [
        sentence(f"cli.{metric}", lang, value=interval_text(interval, lang))
        for metric, interval in found.intervals().items()
    ]
    label = sentence("card.rests", lang, fidelity=sentence(f"fidelity.{found.answer.fidelity}", lang))
    notes = [sentence("card.interval_note", lang), *([sentence("card.formula_note", lang)] if found.formula else [])]
    return (
        markup.status(sentence("report.joiner", lang).join(times), "lead")
        + markup.paragraph(label)
        + "".join(markup.paragraph(note, "note") for note in notes)
    )


def _beside(found: Comparison, knowledge: Knowledge, lang: str) -> str:
    """How many measurements there are and how many the interval holds, and their table."""
    heading = markup.heading(sentence("card.heading.beside", lang))
    if not found.measured:
        return heading + markup.paragraph(sentence("card.nothing", lang))
    same, intervals = [one for one in found.measured if one.same], found.intervals()
    inside = [one for one in same if one.metric in intervals and _holds(intervals[one.metric], one.ms)]
    counts = {"same": len(same), "inside": len(inside), "other": len(found.measured) - len(same)}
    table = card_tables.measured_table(found, knowledge, lang)
    shown = sentence("card.shown", lang, shown=len(table), count=len(found.measured))
    tuned = card_tables.tuned_note(found, lang)
    pages = [address_of(one.source) for one in found.measured[: len(table)]]
    linked = markup.table(table, linked=sentence("card.column.source", lang), addresses=pages)
    return (
        heading
        + markup.paragraph(sentence("card.beside", lang, **counts))
        + (markup.paragraph(shown, "note") if len(table) < len(found.measured) else "")
        + (markup.paragraph(tuned, "note") if tuned else "")
        + markup.plain(linked)
    )


def _holds(interval: Any, ms: float) -> bool:
    return bool(interval.low <= ms <= interval.high)


def _can_be_asked(one: Measured) -> bool:
    """Whether the controls can hold the setting of a measurement."""
    return one.metric != "throughput" and one.units >= 1 and (one.devices == 1 or one.metric in TOKENS)


def _setting(one: Measured, knowledge: Knowledge, lang: str) -> str:
    code = "card.setting_tokens" if one.metric in TOKENS else "card.setting"
    return sentence(
        code,
        lang,
        precision=one.precision,
        engine=card_tables.engine_name(one, knowledge, lang),
        batch=one.batch or 1,
        units=number(one.units),
        **({"tokens": one.input_tokens or sentence("card.tokens_unknown", lang)} if code.endswith("tokens") else {}),
    )


def _as_read(entry: tuple[str, str]) -> str:
    return entry[0].casefold()


def _field(control: w.DOMWidget) -> w.VBox:
    box = w.VBox([control])
    box.add_class("advisor-field")
    return box


def _wide(box: w.VBox) -> w.VBox:
    box.add_class("advisor-wide")
    return box
