"""What a simulated queue shows: quantiles with their confidence, utilisation, queue and drops over time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from advisor.lab.runs import quantile_of
from advisor.results import Interval
from advisor.sim_settings import above, settings

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class SimulatedQueue:
    """Requests that went through a simulated queue, in the order of arrival."""

    arrivals_s: FloatArray
    """Times of arrival.  [s]"""
    waits_s: FloatArray
    """Waits in the queue; of those that left it unserved, the time-out.  [s]"""
    services_s: FloatArray
    """Service times, also of those that were not served.  [s]"""
    served: NDArray[np.bool_]
    """Whether a request was served before its time-out."""
    servers: float
    """Servers there were, on average where their number changed."""
    batches: NDArray[np.intp]
    """Requests that were served together with each, itself included; 1 without batching."""

    @property
    def responses_s(self) -> FloatArray:
        """Wait plus service of the requests that were served [s]."""
        return np.asarray((self.waits_s + self.services_s)[self.served])

    @property
    def duration_s(self) -> float:
        """From the first arrival until the last request was done [s]."""
        left = self.arrivals_s + self.waits_s + np.where(self.served, self.services_s, 0.0)
        return float(left.max() - self.arrivals_s[0])

    @property
    def utilisation(self) -> float:
        """Share of the time that the servers were busy."""
        alone_s = (self.services_s / self.batches)[self.served]
        return float(alone_s.sum() / (self.servers * self.duration_s))

    @property
    def waiting_share(self) -> float:
        """Share of the requests that waited."""
        return float(np.mean(self.waits_s > 0))

    @property
    def dropped_share(self) -> float:
        """Share of the requests that left unserved."""
        return float(1 - self.served.mean())

    def quantile(self, q: float) -> Interval | None:
        """Quantile of the response, wait plus service, with its 95 % confidence interval.

        Parameters
        ----------
        q : float
            Between 0 and 1: 0.99 for the p99.

        Returns
        -------
        Interval or None
            Seconds; None where fewer requests were served than a quantile needs.

        Notes
        -----
        The requests are cut into ``batches`` stretches (``data/simulation.toml``), each of which counts as one draw,
        as neighbours are alike (method of batch means, applied to the share below the quantile).  With a daily cycle
        stretches differ in themselves: the interval then says how far another such day may lie, and is wide.
        """
        responses = self.responses_s
        batches = min(int(settings()["batches"]), responses.size)
        edges = np.linspace(0, responses.size, batches + 1).astype(int)
        return quantile_of(responses, q, np.diff(edges).tolist()) if batches else None

    def queue_length(self, at_s: ArrayLike) -> NDArray[np.intp]:
        """Requests that wait at certain times.

        Parameters
        ----------
        at_s : array
            [s]
        """
        left = np.sort(self.arrivals_s + self.waits_s)
        times = np.asarray(at_s, float)
        arrived = np.searchsorted(self.arrivals_s, times, side="right")
        return np.asarray(arrived - np.searchsorted(left, times, side="right"))

    def table(self, interval_s: float) -> "pd.DataFrame":
        """What happened interval by interval, from the first arrival on.

        Parameters
        ----------
        interval_s : float
            Length of an interval.  [s]

        Returns
        -------
        DataFrame
            One row an interval: ``start_s``, ``arrivals``, ``dropped``, ``waiting`` (mean number in the queue),
            ``busy`` (mean number of servers at work), ``p50_s`` and ``p99_s`` of the response of those that arrived in
            it and were served; NaN where nobody was.

        Raises
        ------
        TrafficError
            If the interval is not above 0, or would make more rows than anybody reads.
        """
        import pandas as pd

        begin = float(self.arrivals_s[0])
        above("interval_s", interval_s, self.duration_s / _MOST_ROWS)
        rows = int(np.ceil(self.duration_s / interval_s))
        edges = np.asarray(begin + np.arange(rows + 1) * interval_s, float)
        starts = self.arrivals_s + self.waits_s
        row = np.searchsorted(edges, self.arrivals_s, side="right") - 1
        ends = (starts + self.services_s)[self.served]
        each = np.ones(starts.size)
        waiting = np.diff(_spent(self.arrivals_s, edges, each) - _spent(starts, edges, each)) / interval_s
        share = 1 / self.batches[self.served]
        busy = np.diff(_spent(starts[self.served], edges, share) - _spent(ends, edges, share)) / interval_s
        quantiles = pd.Series(self.responses_s).groupby(row[self.served]).quantile(np.array([0.5, 0.99])).unstack()
        return pd.DataFrame(
            {
                "start_s": edges[:-1],
                "arrivals": np.bincount(row, minlength=rows),
                "dropped": np.bincount(row[~self.served], minlength=rows),
                "waiting": np.maximum(waiting, 0.0),
                "busy": np.maximum(busy, 0.0),
                "p50_s": quantiles[0.5].reindex(range(rows)).to_numpy(),
                "p99_s": quantiles[0.99].reindex(range(rows)).to_numpy(),
            }
        )


def _spent(since_s: FloatArray, until_s: FloatArray, weight: FloatArray) -> FloatArray:
    """Time that has passed since all of certain moments, summed by weight, at each of others."""
    order = np.argsort(since_s, kind="stable")
    moments, weights, origin = since_s[order], weight[order], until_s[0]
    begun = np.append(0.0, np.cumsum(weights))
    passed = np.append(0.0, np.cumsum(weights * (moments - origin)))
    before = np.searchsorted(moments, until_s, side="right")
    return np.asarray(begun[before] * (until_s - origin) - passed[before])
