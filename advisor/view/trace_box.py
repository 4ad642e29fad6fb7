"""A trace: traffic over hours and days, replicas that follow it, and what the requests meet meanwhile."""

import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets as w

from advisor.capacity_sim import Service, arrivals, read_arrivals, scaler
from advisor.full_advice import FullAdvice
from advisor.option_queue import Shown, origin_lines, shown_queue
from advisor.queue_model import FloatArray
from advisor.sim_settings import settings
from advisor.text import sentence
from advisor.trace import Trace, example_csv, traced
from advisor.trace_words import trace_lines
from advisor.units import MS_PER_S, PERCENT, SECONDS_PER_HOUR, SECONDS_PER_MINUTE
from advisor.view import markup, plots, trace_plots
from advisor.view.background import Report, Work
from advisor.view.bounded import boxes
from advisor.view.fields import ChoiceField, Field
from advisor.view.queue_box import numbers_of
from advisor.view.tasks import Task
from advisor.view.uploads import UploadField, by_its_name

_BEGIN = {"kind": "daily", "system": "kubernetes-hpa"}
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "daily": ("rate_per_s", "hours", "peak_factor"),
    "bursts": ("rate_per_s", "hours", "burst_factor", "burst_percent", "burst_minutes"),
    "poisson": ("rate_per_s", "hours"),
    "file": ("file",),
}
"""Controls that a kind of traffic needs."""


class TraceBox(Task):
    """Traffic, service and autoscaler, simulated in the background, and drawn over time.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.origin, self.lead, self.said = w.HTML(), w.HTML(), w.HTML()
        self.plot = w.Output(layout=w.Layout(width="100%"))
        self.shown: Shown | None = None
        """Stack whose numbers the controls were filled with."""
        fields: dict[str, Field] = {
            "kind": ChoiceField("kind", tuple(_OF_KIND), _kind_name),
            "file": UploadField("file", "traces", example_csv),
            **boxes("trace"),
            "system": ChoiceField("system", tuple(settings()["scalers"]), _system_name),
            **boxes("trace_optional"),
        }
        for name, value in _BEGIN.items():
            fields[name].fill(value)
        fields["kind"].on_change(self._show_what_is_needed)
        super().__init__("trace", lang, fields, self.origin, self.lead, self.said, self.plot)
        self.plot.add_class("advisor-low")
        self._show_what_is_needed()

    def take(self, advice: FullAdvice, chosen: str | None) -> None:
        """Fill service, traffic and objective with those of the stack, or of the best one that has such a queue."""
        if not advice.shortlist:
            return
        self.shown = shown_queue(advice, chosen)
        numbers = dict(numbers_of(self.shown.queue))
        if numbers:
            numbers |= {"rate_per_s": numbers["arrivals_per_s"] / advice.asked.peak_factor}
            numbers |= {"peak_factor": advice.asked.peak_factor}
        for name in numbers.keys() & self.fields.keys():
            self.fields[name].fill(numbers[name])
        self.show()

    def made(self) -> Work:
        """Simulation that the controls describe."""
        value = {name: self.fields[name].value for name in self._asked}
        own = ("start_s", "min_replicas", "max_replicas", *settings()["controls"]["trace_optional"])
        policy = scaler(
            value["system"], target=value["target_percent"] / PERCENT, **{name: value[name] for name in own}
        )
        service = Service(value["service_ms"] / MS_PER_S, value["service_cv"])

        def work(report: Report, cancel: threading.Event) -> Trace:
            return traced(
                _traffic(value), service=service, policy=policy, response_s=value["response_ms"] / MS_PER_S,
                workers=value["workers"], on_progress=report, cancel=cancel,
            )  # fmt: skip

        return Work(work)

    def show(self) -> None:
        """Show whose numbers these are, what happened over time, and what it comes to."""
        origin = [] if self.shown is None else origin_lines(self.shown, self.lang)
        self.origin.value = "".join(markup.paragraph(line, "note") for line in origin)
        found = self.work.result if isinstance(self.work, Work) else None
        if not isinstance(found, Trace):
            self.lead.value, self.said.value, self.plot.outputs = "", "", ()
            return
        first, *others = trace_lines(found, self.lang)
        self.lead.value = markup.paragraph(first, "lead")
        note = markup.paragraph(sentence("view.trace.note", self.lang), "note")
        self.said.value = "".join(map(markup.paragraph, others)) + note
        self.plot.outputs = plots.as_output(trace_plots.trace_figure(found, self.lang))

    @property
    def _asked(self) -> list[str]:
        """Controls that count for the kind of traffic that is chosen."""
        of_others = {name for names in _OF_KIND.values() for name in names} - set(_OF_KIND[self.fields["kind"].value])
        return [name for name in self.fields if name not in of_others]

    def _show_what_is_needed(self) -> None:
        for name, field in self.fields.items():
            field.box.layout.display = None if name in self._asked else "none"


def _traffic(value: Mapping[str, Any]) -> FloatArray:
    """Arrival times of the traffic that the controls describe."""
    if value["kind"] == "file":
        with by_its_name(value["file"]):
            return read_arrivals(value["file"])
    duration_s = value["hours"] * SECONDS_PER_HOUR
    return arrivals(value["kind"], rate_per_s=value["rate_per_s"], duration_s=duration_s, **_shape(value))


def _shape(value: Mapping[str, Any]) -> dict[str, Any]:
    """What the kind of traffic needs besides its rate."""
    if value["kind"] == "daily":
        return {"peak_factor": value["peak_factor"]}
    if value["kind"] == "bursts":
        share, length_s = value["burst_percent"] / PERCENT, value["burst_minutes"] * SECONDS_PER_MINUTE
        return {"burst_factor": value["burst_factor"], "burst_share": share, "burst_s": length_s}
    return {}


def _kind_name(kind: str, lang: str) -> str:
    return sentence(f"view.trace.kinds.{kind}", lang)


def _system_name(system: str, lang: str) -> str:
    return sentence(f"view.trace.systems.{system}", lang)
