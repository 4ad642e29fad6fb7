"""Capacity and money on one page: the queue, batching, a trace, the bill, the break-even, prices of one's own."""

import ipywidgets as w

from advisor.text import languages, preferred_language, sentence
from advisor.view import markup
from advisor.view.queue_box import QueueBox
from advisor.view.trace_box import TraceBox


class CapacityPage(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A tab for each subject, under one language switch.

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
        self.queue, self.trace = QueueBox(lang), TraceBox(lang)
        self.boxes = (self.queue, self.trace)
        self.tabs = w.Tab(list(self.boxes))
        self.language.observe(lambda _: self.relabel(), names="value")
        bar = w.HBox([self.language], layout=w.Layout(justify_content="flex-end"))
        super().__init__([w.HTML(markup.STYLE), bar, self.tabs])
        self.add_class("advisor")
        self.relabel()

    @property
    def lang(self) -> str:
        """Language that is shown."""
        return str(self.language.value)

    def relabel(self) -> None:
        """Put every word in the language of the switch."""
        for place, box in enumerate(self.boxes):
            self.tabs.set_title(place, sentence(f"view.tab.{box.code}", self.lang))
            box.relabel(self.lang)


def capacity(lang: str | None = None) -> CapacityPage:
    """Replicas that hold the objective, and what they cost.

    Parameters
    ----------
    lang : str, optional
        Language to begin with; by default ``ADVISOR_LANG``, else English.
    """
    return CapacityPage(lang or preferred_language())
