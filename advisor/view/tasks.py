"""A task of the lab: what it is about, its controls, one button, progress, and what came out."""

import asyncio
from collections.abc import Mapping, Sequence

import ipywidgets as w

from advisor.errors import AdvisorError
from advisor.text import sentence
from advisor.view import markup
from advisor.view.background import Watched
from advisor.view.boxes import Box
from advisor.view.fields import Field

_POLL_S = 0.2


class Task(Box):
    """Heading, explanation, controls, begin and cancel, progress, result.

    Parameters
    ----------
    code : str
        Table of its sentences under ``view``: title, text, begin, and a label for each field.
    lang : str
        Language to begin with.
    fields : mapping of str to Field
        Controls by name.
    results : sequence of widgets
        What shows the result, below the progress.
    """

    def __init__(self, code: str, lang: str, fields: Mapping[str, Field], *results: w.DOMWidget) -> None:
        self.work: Watched | None = None
        self.peers: Sequence[Task] = ()
        """Tasks on the same machine: while one is at work, the others wait, since they would disturb it."""
        self._following: asyncio.Task[None] | None = None
        self.begin = w.Button(button_style="primary", icon="play", layout=w.Layout(width="auto"))
        self.cancel = w.Button(icon="stop", disabled=True, layout=w.Layout(width="auto"))
        self.bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="16em"))
        row = w.Layout(flex_flow="row wrap", align_items="center")
        super().__init__(code, lang, fields, [w.HBox([self.begin, self.cancel, self.bar], layout=row)], results)
        self.begin.on_click(lambda _: self.run())
        self.cancel.on_click(lambda _: self.stop())
        self.relabel(lang)

    def made(self) -> Watched:
        """Work that the controls describe; raises an AdvisorError that names what is wrong with them."""
        raise NotImplementedError

    def show(self) -> None:
        """Show what there is so far, in the language of the task."""
        raise NotImplementedError

    def run(self) -> None:
        """Begin what the controls describe, unless it is under way."""
        if self.busy:
            return
        self._mark(None)
        if any(peer.busy for peer in self.peers):
            self.status.value = markup.status(sentence("view.task.busy", self.lang), "error")
            return
        try:
            self.work = self.made()
        except AdvisorError as error:
            self._mark(error)
            return
        self.work.start()
        self._refresh()
        self._following = asyncio.get_running_loop().create_task(self._follow(self.work))

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self.work is not None and self.work.state == "running"

    def stop(self) -> None:
        """End the work under way; what there is by then is shown."""
        if self.work is not None:
            self.work.cancel()

    def relabel(self, lang: str) -> None:
        """Put every word in a language."""
        super().relabel(lang)
        self.begin.description = sentence(f"view.{self.code}.begin", lang)
        self.cancel.description = sentence("view.live.cancel", lang)
        self._refresh()

    async def _follow(self, work: Watched) -> None:
        while work.state == "running":
            self._refresh()
            await asyncio.sleep(_POLL_S)
        self._refresh()

    def _refresh(self) -> None:
        work = self.work
        running = self.busy
        self.begin.disabled, self.cancel.disabled = running, not running
        if work is not None:
            self.bar.value = 1.0 if work.state == "done" else work.progress
            self.status.value = markup.status(sentence(f"view.task.{work.state}", self.lang))
            self._mark(work.error)
        self.show()

    def _mark(self, error: AdvisorError | None) -> None:
        """Say what went wrong beside the control that it is about: the model, where it names none."""
        self.mark(error, otherwise="model")
