"""Traffic over hours and days under an autoscaler: what the page of a trace shows, interval by interval."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from advisor.capacity_sim import Autoscaled, Scaler, Service, arrivals, autoscale
from advisor.queue_model import FloatArray
from advisor.results import Interval
from advisor.sim_settings import above, settings
from advisor.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

QUANTILE = 0.99
_SIMULATED = 0.9
"""Share of the progress at which the simulation is over and its table remains."""


@dataclass(frozen=True)
class Trace:
    """Traffic that went through replicas that followed it."""

    scaled: Autoscaled
    table: "pd.DataFrame"
    """A row an interval, see :meth:`~advisor.sim_results.SimulatedQueue.table`; ``replicas`` is their mean number."""
    interval_s: float
    response_s: float
    """Objective on the p99."""
    p99_s: Interval | None
    """Of all responses, with its 95 % confidence interval; None from too few of them."""
    late_share: float
    """Share of the requests that took longer than the objective."""

    @property
    def hours(self) -> float:
        """From the first arrival until the last request was done [h]."""
        return self.scaled.queue.duration_s / SECONDS_PER_HOUR

    @property
    def most_replicas(self) -> int:
        """Largest number of replicas at a time."""
        return int(self.scaled.replicas.max())

    @property
    def fixed_hours(self) -> float:
        """Replica-hours of a fleet that always had the largest number [h]."""
        return self.most_replicas * self.hours

    @property
    def broken(self) -> int:
        """Intervals whose p99 exceeds the objective."""
        return int((self.table["p99_s"] > self.response_s).sum())

    @property
    def worst_interval_s(self) -> float:
        """Start of the interval with the highest p99, since the first arrival [s]."""
        return float(self.interval_s * np.nanargmax(self.table["p99_s"].to_numpy()))


def traced(
    arrivals_s: FloatArray,
    *,
    service: Service,
    policy: Scaler,
    response_s: float,
    workers: int = 1,
    on_progress: Callable[[float], object] | None = None,
    cancel: threading.Event | None = None,
) -> Trace:
    """Traffic served by replicas that an autoscaler starts and stops.

    Parameters
    ----------
    arrivals_s : array
        Arrival times, ascending.  [s]
    service : Service
        Law of the service times.
    policy : Scaler
    response_s : float
        Objective on the p99 of the response.  [s]
    workers : int, default 1
        Requests that a replica serves at once.
    on_progress : callable, optional
        Called with the share that is over.
    cancel : Event, optional
        Ends the simulation once it is set.

    Raises
    ------
    TrafficError
        If a number lies out of its bounds, there are no arrivals, or it was cancelled.
    """
    objective_s = above("response_s", response_s, 0)
    report = on_progress or (lambda _: None)
    scaled = autoscale(
        arrivals_s, service=service, policy=policy, workers=workers,
        on_progress=lambda share: report(share * _SIMULATED), cancel=cancel,
    )  # fmt: skip
    interval_s = _interval_s(scaled.queue.duration_s)
    table = scaled.queue.table(interval_s)
    edges = np.append(table["start_s"], table["start_s"].iloc[-1] + interval_s)
    return Trace(
        scaled=scaled,
        table=table.assign(replicas=np.diff(_replica_s(scaled, edges)) / interval_s),
        interval_s=interval_s,
        response_s=objective_s,
        p99_s=scaled.queue.quantile(QUANTILE),
        late_share=float(np.mean(scaled.queue.responses_s > objective_s)),
    )


def example_csv() -> str:
    """A day of simulated traffic as a file of counts, in the form that :func:`~advisor.sim_files.read_arrivals` reads.

    Its numbers are in ``data/simulation.toml``.
    """
    terms = settings()["example"]
    times = arrivals("daily", rate_per_s=terms["rate_per_s"], duration_s=terms["duration_s"], seed=terms["seed"],
                     peak_factor=terms["peak_factor"])  # fmt: skip
    edges = np.arange(0.0, terms["duration_s"] + terms["interval_s"], terms["interval_s"])
    counts, _ = np.histogram(times, edges)
    rows = (f"{start:g},{number}" for start, number in zip(edges[:-1], counts, strict=True))
    return "\n".join(["start_s,requests", *rows, ""])


def _replica_s(scaled: Autoscaled, until_s: FloatArray) -> FloatArray:
    """Replicas summed over time from the first arrival until certain moments [s]."""
    whole = np.append(0.0, np.cumsum(np.diff(scaled.changes_s) * scaled.replicas[:-1]))
    last = np.searchsorted(scaled.changes_s, until_s, side="right") - 1
    return np.asarray(whole[last] + (until_s - scaled.changes_s[last]) * scaled.replicas[last])


def _interval_s(duration_s: float) -> float:
    """Shortest round interval that makes no more rows than one sees."""
    terms = settings()["intervals"]
    rounds = [length for length in terms["round_s"] if duration_s / length <= terms["most"]]
    return float(rounds[0]) if rounds else duration_s / terms["most"]
