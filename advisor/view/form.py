"""Controls -> one Requirements."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import ipywidgets as w

from advisor.errors import AdvisorError, ModelFileError
from advisor.knowledge import load
from advisor.requirements import DataScope, Priority, Requirements
from advisor.schema import Precision, Provider, Skills
from advisor.text import sentence
from advisor.view.fields import (
    ChoiceField,
    CountryField,
    Field,
    FlagField,
    ModelField,
    NumberField,
    SetField,
    WeightsField,
)

FIRST = ("model", "qps", "p99_ms", "country", "data", "internet", "budget_usd_month", "offline")
SECTIONS = {
    "traffic": ("peak_factor", "burstiness", "hours_per_day", "payload_kb", "spare_replicas", "sites"),
    "tokens": ("ttft_ms", "tpot_ms", "input_tokens", "output_tokens"),
    "limits": ("skills", "upfront_usd", "power_w", "launch_days", "horizon_months", "as_of", "providers", "precisions"),
    "weights": ("priorities",),
}
_WIDE = ("providers", "precisions", "priorities")
_COLUMNS = "repeat(auto-fill, minmax(15em, 1fr))"


class Form:
    """Form for every wish of ``Requirements``, the everyday ones first.

    Parameters
    ----------
    changed : callable
        Called whenever the reader has changed a control; not called while the form fills itself.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._quiet = False
        self.fields = {name: _field(name) for name in Requirements.model_fields}
        for field in self.fields.values():
            field.on_change(self._noticed)
        self.sections = w.Tab([_grid([self.fields[name] for name in names]) for names in SECTIONS.values()])
        self.more = w.Accordion([self.sections])
        self.widget = w.VBox([_grid([self.fields[name] for name in FIRST]), self.more])

    def _noticed(self) -> None:
        if not self._quiet:
            self._changed()

    @property
    def is_quiet(self) -> bool:
        """Whether changes are the form's own at the moment."""
        return self._quiet

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While this lasts, changes of the controls are the form's own."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def fill(self, asked: Requirements) -> None:
        """Show a question in the controls."""
        with self.quiet():
            for name, field in self.fields.items():
                field.fill(asked.weights if name == "priorities" else getattr(asked, name))

    def requirements(self) -> Requirements:
        """Question that the controls ask.

        Raises
        ------
        RequirementError
            If a control holds what cannot be asked.
        """
        values = {name: field.value for name, field in self.fields.items()}
        return Requirements(**{name: _wish(value) for name, value in values.items() if not _left_open(name, value)})

    def relabel(self, lang: str) -> None:
        """Put every word of the form in a language."""
        with self.quiet():
            for field in self.fields.values():
                field.relabel(lang)
        self.more.set_title(0, sentence("view.more", lang))
        for index, section in enumerate(SECTIONS):
            self.sections.set_title(index, sentence(f"view.section.{section}", lang))

    def mark(self, error: AdvisorError | None, lang: str) -> bool:
        """Show an error beside the controls that it names; None takes all marks away.

        Returns
        -------
        bool
            Whether a control was found for it.
        """
        named = [] if error is None else [error.values.get("field"), error.values.get("other")]
        if isinstance(error, ModelFileError):
            named = ["model"]
        text = "" if error is None else error.in_language(lang)
        for name, field in self.fields.items():
            field.mark(text if name in named else "")
        self._open_section_of(named)
        return any(name in self.fields for name in named)

    def _open_section_of(self, names: Sequence[object]) -> None:
        for index, section in enumerate(SECTIONS.values()):
            if set(section) & set(names):
                self.more.selected_index, self.sections.selected_index = 0, index


def _field(name: str) -> Field:
    """Field of the kind that fits the wish."""
    choices: dict[str, tuple[Any, ...]] = {
        "data": get_args(DataScope),
        "internet": get_args(Requirements.model_fields["internet"].annotation),
        "skills": get_args(Skills),
    }
    if name in choices:
        return ChoiceField(name, choices[name], lambda value, lang: sentence(f"view.choice.{name}.{value}", lang))
    if name == "providers":
        return SetField(name, get_args(Provider), _provider, all_is_open=True)
    if name == "precisions":
        return SetField(name, get_args(Precision), lambda value, _: str(value), all_is_open=False)
    if name == "model":
        return ModelField(name, tuple(load().models))
    special: dict[str, Callable[[], Field]] = {
        "country": lambda: CountryField(name),
        "offline": lambda: FlagField(name),
        "as_of": lambda: DateField(name),
        "priorities": lambda: WeightsField(name, get_args(Priority)),
    }
    return special[name]() if name in special else NumberField(name)


class DateField(NumberField):
    """A date typed in as YYYY-MM-DD."""

    @property
    def value(self) -> Any:
        """Text of the date, or None where the box is empty."""
        return self.control.value.strip() or None

    def fill(self, value: Any) -> None:
        """Set the box; None empties it."""
        self.control.value = value or ""


def _provider(value: str, lang: str) -> str:
    return sentence(f"view.provider.{value}", lang)


def _left_open(name: str, value: Any) -> bool:
    """Whether an empty box means "no wish": where nothing stands in for it silently."""
    field = Requirements.model_fields[name]
    return value is None and (field.is_required() or field.default is None)


def _wish(value: Any) -> Any:
    """Value to ask for; an empty box that has to hold a number stays empty, and is refused."""
    return "" if value is None else value


def _grid(fields: list[Field]) -> w.GridBox:
    for field in fields:
        if field.name in _WIDE:
            field.box.add_class("advisor-wide")
    grid = w.GridBox([field.box for field in fields], layout=w.Layout(grid_template_columns=_COLUMNS))
    grid.add_class("advisor-grid")
    return grid
