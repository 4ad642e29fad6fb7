"""A number with a slider: typed in where it is known, moved where one wants to see what it does."""

from math import log10
from typing import Any

import ipywidgets as w

from advisor.errors import Coded, RequirementError
from advisor.numbers import number
from advisor.view.fields import NumberField

_STEP = 0.01


class SliderField(NumberField):
    """Box for a number, and a slider below it that follows and leads it; steps are even in the logarithm.

    Parameters
    ----------
    name : str
        Name of the control.
    least, most : float
        Ends of the slider, which the number may take too.
    even : bool, default False
        Whether steps are even in the number itself, which may then be 0.
    whole : bool, default False
        Whether only whole numbers make sense.
    """

    def __init__(self, name: str, least: float, most: float, *, even: bool = False, whole: bool = False) -> None:
        super().__init__(name)
        self.least, self.most, self.even, self.whole = least, most, even, whole
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

    @property
    def value(self) -> Any:
        """Number within its bounds.

        Raises
        ------
        RequirementError
            If the box holds no such number.
        """
        found = super().value
        if not self._possible(found):
            must = f"{self.least:g} ... {self.most:,g}"
            raise RequirementError("field", field=Coded(self.label_code), value=self.control.value, must=must)
        return found

    def _possible(self, found: Any) -> bool:
        if not isinstance(found, int | float) or not self.least <= found <= self.most:
            return False
        return isinstance(found, int) or not self.whole

    def _place(self, value: float) -> float:
        return value if self.even else log10(value)

    def _lead(self, place: float) -> None:
        """Write the number at which the slider was put into the box; the page itself puts it on its nearest step."""
        found = super().value
        if self._following or (self._possible(found) and abs(place - self._place(found)) < _STEP):
            return
        value = place if self.even else 10**place
        near = round(value) if self.whole else float(number(value).replace(",", ""))
        self.fill(min(max(near, self.least), self.most))

    def _follow(self) -> None:
        """Put the slider where the number in the box is."""
        found = super().value
        if not self._possible(found):
            return
        self._following = True
        self.slider.value = self._place(found)
        self._following = False
