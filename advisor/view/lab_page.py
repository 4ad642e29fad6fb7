"""The lab on one page: measure, sweep, precisions, loops, and this machine in the advice."""

import ipywidgets as w

from advisor.text import languages, preferred_language, sentence
from advisor.view import markup
from advisor.view.live import LiveTest
from advisor.view.machine_box import MachineBox
from advisor.view.omission_box import OmissionBox
from advisor.view.precision_box import PrecisionBox
from advisor.view.sweep_box import SweepBox


class Lab(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A tab for each task, under one language switch.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.language = w.ToggleButtons(
            options=[(sentence("language.name", name), name) for name in sorted(languages(), reverse=True)],
            value=lang,
            style={"button_width": "6em"},
            layout=w.Layout(width="auto"),
        )
        self.live = LiveTest(lang)
        self.tasks = (SweepBox(lang), PrecisionBox(lang), OmissionBox(lang), MachineBox(lang))
        for task in self.tasks:
            task.peers = [other for other in self.tasks if other is not task]
        self.tabs = w.Tab([self.live, *self.tasks])
        self.language.observe(lambda _: self.relabel(), names="value")
        bar = w.HBox([self.language], layout=w.Layout(justify_content="flex-end"))
        super().__init__([w.HTML(markup.STYLE), bar, self.tabs])
        self.add_class("advisor")
        self.live.first_pictures()
        self.relabel()

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        lang = str(self.language.value)
        for place, code in enumerate(("live", *(task.code for task in self.tasks))):
            self.tabs.set_title(place, sentence(f"view.tab.{code}", lang))
        for part in (self.live, *self.tasks):
            part.relabel(lang)


def lab(lang: str | None = None) -> Lab:
    """The lab: measurements on the machine that runs this.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    """
    return Lab(lang or preferred_language())
