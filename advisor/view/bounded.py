"""Numbers within bounds: typed in where they are known, moved where one wants to see what they do."""

from math import log10
from typing import Any

import ipywidgets as w

from advisor.errors import Coded, RequirementError
from advisor.numbers import number
from advisor.sim_settings import settings
from advisor.view.fields import Field, NumberField

_STEP = 0.01


class BoundedField(NumberField):
    """Box for a number within bounds.

    Parameters
    ----------
    name : str
        Name of the control.
    least, most : float
        Bounds, which the number may take too.
    whole : bool, default False
        Whether only whole numbers make sense.
    optional : bool, default False
        Whether the box may stay empty.
    """

    def __init__(self, name: str, least: float, most: float, *, whole: bool = False, optional: bool = False) -> None:
        super().__init__(name)
        self.least, self.most, self.whole, self.optional = least, most, whole, optional

    @property
    def value(self) -> Any:
        """Number within its bounds; None where the box is and may be empty.

        Raises
        ------
        RequirementError
            If the box holds no such number.
        """
        found = super().value
        if not self.possible(found) and not (found is None and self.optional):
            must = f"{self.least:g} ... {self.most:,g}"
            raise RequirementError("field", field=Coded(self.label_code), value=self.control.value, must=must)
        return found

    @property
    def typed(self) -> float | None:
        """Number that the box holds; None where it holds none that is possible."""
        found = super().value
        return found if self.possible(found) else None

    def possible(self, found: Any) -> bool:
        """Whether something is a number within the bounds."""
        if not isinstance(found, int | float) or not self.least <= found <= self.most:
            return False
        return isinstance(found, int) or not self.whole


class SliderField(BoundedField):
    """Box for a number, and a slider below it that follows and leads it; steps are even in the logarithm.

    Parameters
    ----------
    name, least, most, whole
        As of :class:`BoundedField`; the slider has the same ends.
    even : bool, default False
        Whether steps are even in the number itself, which may then be 0.
    """

    def __init__(self, name: str, least: float, most: float, *, whole: bool = False, even: bool = False) -> None:
        super().__init__(name, least, most, whole=whole)
        self.even = even
        self.slider = w.FloatSlider(
            min=self._place(least),
            max=self._place(most),
            step=_STEP,
            readout=False,
            layout=w.Layout(width="100%", margin="0"),
        )
        self._following = False
        self.box.children = (self.control, self.slider, self.message)
        self.slider.observe(lambda change: self._lead(change["new"]), names="value")
        self.control.observe(lambda _: self._follow(), names="value")

    def _place(self, value: float) -> float:
        return value if self.even else log10(value)

    def _lead(self, place: float) -> None:
        """Write the number at which the slider was put into the box; the page itself puts it on its nearest step."""
        typed = self.typed
        if self._following or (typed is not None and abs(place - self._place(typed)) < _STEP):
            return
        value = place if self.even else 10**place
        near = round(value) if self.whole else float(number(value).replace(",", ""))
        self.fill(min(max(near, self.least), self.most))

    def _follow(self) -> None:
        """Put the slider where the number in the box is."""
        if (typed := self.typed) is not None:
            self._following = True
            self.slider.value = self._place(typed)
            self._following = False


def sliders(box: str) -> dict[str, Field]:
    """Sliders of a box of the page of capacity and cost, where ``data/simulation.toml`` has them begin."""
    fields: dict[str, Field] = {}
    for name, one in settings()["controls"][box].items():
        kinds = {kind: one.get(kind, False) for kind in ("whole", "even")}
        fields[name] = SliderField(name, one["least"], one["most"], **kinds)
        fields[name].fill(one["begin"])
    return fields


def boxes(box: str) -> dict[str, Field]:
    """The same as boxes to type into; those that have no beginning may stay empty."""
    fields: dict[str, Field] = {}
    for name, one in settings()["controls"][box].items():
        optional, whole = "begin" not in one, one.get("whole", False)
        fields[name] = BoundedField(name, one["least"], one["most"], whole=whole, optional=optional)
        fields[name].fill(one.get("begin"))
    return fields
