"""Panel and live test in one widget, under one language switch."""

import ipywidgets as w

from advisor.text import sentence
from advisor.view.advising import Panel, panel
from advisor.view.live import LiveTest


class App(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Two tabs: the advice, and the measurement on this machine.

    Parameters
    ----------
    advising : Panel
        Its language switch rules both tabs, and its objective is the one that a run is judged by.
    """

    def __init__(self, advising: Panel) -> None:
        self.panel = advising
        self.live = LiveTest(advising.lang)
        self.tabs = w.Tab([advising, self.live])
        self.tabs.observe(lambda _: self._tab_chosen(), names="selected_index")
        advising.language.observe(lambda _: self.relabel(), names="value")
        advising.form.fields["p99_ms"].on_change(self._take_objective)
        super().__init__([self.tabs])
        self.add_class("advisor")
        self._take_objective()
        self.relabel()

    def relabel(self) -> None:
        """Put the words of both tabs in the language of the switch."""
        for index, tab in enumerate(("advise", "live")):
            self.tabs.set_title(index, sentence(f"view.tab.{tab}", self.panel.lang))
        self.live.relabel(self.panel.lang)

    def _take_objective(self) -> None:
        self.live.fields["slo_ms"].control.value = self.panel.form.fields["p99_ms"].control.value

    def _tab_chosen(self) -> None:
        if self.tabs.selected_index == 1:
            self.live.first_pictures()


def app(lang: str | None = None, preset: str | None = None) -> App:
    """Everything in one widget: form, answer and live test.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    preset : str, optional
        Preset to begin with; the first by default.

    Raises
    ------
    UnknownIdError
        If there is no such preset.
    """
    return App(panel(lang, preset))
