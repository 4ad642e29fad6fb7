"""One field of the form for every wish: a control with its label, and a line beside it for what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as w

from advisor.knowledge import countries
from advisor.text import sentence
from advisor.view.markup import status

WEIGHTS = (0, 1, 2, 3, 4, 5)


class Field:
    """Control of one wish.

    Parameters
    ----------
    name : str
        Field of ``Requirements``.
    control : ipywidgets.DOMWidget
        What the reader changes.
    """

    def __init__(self, name: str, control: w.DOMWidget) -> None:
        self.name = name
        self.label_code = f"view.label.{name}"
        self.control = control
        self.message = w.HTML()
        self.box = w.VBox([control, self.message])
        self.box.add_class("advisor-field")

    @property
    def value(self) -> Any:
        """Wish as ``Requirements`` takes it."""
        return self.control.value

    def fill(self, value: Any) -> None:
        """Set the control to a wish."""
        self.control.value = value

    def relabel(self, lang: str) -> None:
        """Put the words of the control in a language."""
        self.control.description = sentence(self.label_code, lang)
        self.control.tooltip = self.name

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call a function whenever the reader has changed the wish."""
        self.control.observe(lambda _: changed(), names="value")

    def mark(self, text: str) -> None:
        """Say beside the control what is wrong with it; an empty text takes the mark away."""
        self.message.value = status(text, "error")
        if text:
            self.box.add_class("advisor-wrong")
        else:
            self.box.remove_class("advisor-wrong")


class NumberField(Field):
    """A number typed in.  What is no number is handed on as it is, so that the requirements refuse it in a sentence."""

    def __init__(self, name: str) -> None:
        super().__init__(name, w.Text(continuous_update=False, layout=w.Layout(width="100%")))

    @property
    def value(self) -> Any:
        """Number, text that is none, or None where the box is empty."""
        text = self.control.value.strip()
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            return text
        return int(number) if number.is_integer() else number

    def fill(self, value: Any) -> None:
        """Set the box; None empties it."""
        self.control.value = "" if value is None else f"{value:.15g}"


class ModelField(Field):
    """Id of the catalogue, any other name of a model, or the path of an ONNX file."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name, w.Combobox(options=tuple(known), continuous_update=False, layout=w.Layout(width="100%")))

    @property
    def value(self) -> Any:
        """Name or path, without the spaces around it."""
        return self.control.value.strip()

    def fill(self, value: Any) -> None:
        """Set the box."""
        self.control.value = str(value)

    def relabel(self, lang: str) -> None:
        """Put label and hint in a language."""
        super().relabel(lang)
        self.control.placeholder = sentence("view.model_hint", lang)


class ChoiceField(Field):
    """One of a few values."""

    def __init__(self, name: str, values: Sequence[Any], words: Callable[[Any, str], str]) -> None:
        self.values = tuple(values)
        self.words = words
        super().__init__(name, w.Dropdown(options=self.values, layout=w.Layout(width="100%")))

    def relabel(self, lang: str) -> None:
        """Put label and choices in a language; the choice stays."""
        super().relabel(lang)
        kept = self.control.value
        self.control.options = self._choices(lang)
        self.control.value = kept

    def _choices(self, lang: str) -> list[tuple[str, Any]]:
        return [(self.words(value, lang), value) for value in self.values]


class ListField(Field):
    """One of what is offered at the time, which depends on an answer."""

    def __init__(self, name: str) -> None:
        super().__init__(name, w.Dropdown(options=(), layout=w.Layout(width="100%")))

    def offer(self, entries: Sequence[tuple[str, Any]], preferred: Any = None) -> None:
        """Offer words with what they stand for; the choice stays where it is among them, else it is the preferred."""
        values = [value for _, value in entries]
        wanted = next((value for value in (self.control.value, preferred) if value in values), None)
        self.control.options = tuple(entries)
        self.control.value = wanted if wanted in values else next(iter(values), None)


class CountryField(ChoiceField):
    """A country by its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name, tuple(countries()), country_name)

    def _choices(self, lang: str) -> list[tuple[str, Any]]:
        return sorted(super()._choices(lang))


class FlagField(Field):
    """Yes or no."""

    def __init__(self, name: str) -> None:
        super().__init__(name, w.Checkbox(indent=False))


class SetField(Field):
    """Any of a few values; where ``all_is_open``, all of them together mean that the wish is left open."""

    def __init__(
        self, name: str, values: Sequence[str], words: Callable[[Any, str], str], *, all_is_open: bool
    ) -> None:
        self.boxes = {value: w.Checkbox(indent=False, value=True) for value in values}
        self.words = words
        self.all_is_open = all_is_open
        self.title = w.HTML()
        checks = w.HBox(list(self.boxes.values()))
        checks.add_class("advisor-checks")
        super().__init__(name, w.VBox([self.title, checks]))

    @property
    def value(self) -> tuple[str, ...] | None:
        """Values that are ticked."""
        ticked = tuple(value for value, box in self.boxes.items() if box.value)
        return None if self.all_is_open and len(ticked) == len(self.boxes) else ticked

    def fill(self, value: Any) -> None:
        """Tick the values; None ticks them all."""
        for name, box in self.boxes.items():
            box.value = value is None or name in value

    def relabel(self, lang: str) -> None:
        """Put title and values in a language."""
        self.title.value = sentence(self.label_code, lang)
        for value, box in self.boxes.items():
            box.description = self.words(value, lang)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call a function whenever a value is ticked or not any more."""
        for box in self.boxes.values():
            box.observe(lambda _: changed(), names="value")


class WeightsField(Field):
    """A weight for each priority; 0 leaves it out."""

    def __init__(self, name: str, priorities: Sequence[str]) -> None:
        self.parts = {priority: ChoiceField(priority, WEIGHTS, _weight) for priority in priorities}
        for priority, part in self.parts.items():
            part.label_code = f"criterion.{priority}"
        columns = w.Layout(grid_template_columns="repeat(auto-fill, minmax(10em, 1fr))")
        grid = w.GridBox([part.box for part in self.parts.values()], layout=columns)
        grid.add_class("advisor-grid")
        super().__init__(name, grid)

    @property
    def value(self) -> dict[str, float]:
        """Weights above 0."""
        return {priority: part.value for priority, part in self.parts.items() if part.value}

    def fill(self, value: Mapping[str, float]) -> None:
        """Set the weights; priorities that are not named get 0."""
        for priority, part in self.parts.items():
            weight = value.get(priority, 0)
            part.values = tuple(sorted({*WEIGHTS, weight}))
            part.control.options = part.values
            part.fill(weight)

    def relabel(self, lang: str) -> None:
        """Put the names of the priorities in a language."""
        for part in self.parts.values():
            part.relabel(lang)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call a function whenever a weight has changed."""
        for part in self.parts.values():
            part.on_change(changed)


def country_name(iso: str, lang: str) -> str:
    """Name of a country with its code."""
    country = countries()[iso]
    return sentence("view.country", lang, iso=iso, name=getattr(country, f"name_{lang}"))


def _weight(value: Any, lang: str) -> str:
    return sentence("view.weight_none", lang) if not value else f"{value:g}"
