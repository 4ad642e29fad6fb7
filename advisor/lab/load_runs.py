"""A load test: every request with its times, and what they say."""

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError
from advisor.lab.machine import Machine
from advisor.lab.runs import Verdict, quantile_of, verdict_of
from advisor.lab.settings import settings
from advisor.results import Interval

FloatArray = NDArray[np.float64]
Loop = Literal["open", "closed"]

_FORMAT = "advisor/load/1"
_TIMES = ("intended_s", "sent_s", "done_s", "queue_s", "service_s", "ttft_s", "tpot_s")


@dataclass(frozen=True, slots=True, eq=False)
class LoadRun:
    """Requests of one load test in the order of their intended moments, none left out."""

    target: str
    loop: Loop
    """Open: sent when due, whatever became of earlier ones.  Closed: sent when the answer before has come."""
    intended_s: FloatArray
    """When each request was due, from the start.  [s]"""
    sent_s: FloatArray
    done_s: FloatArray
    """When each answer was complete, or its failure known.  [s]"""
    failures: tuple[str, ...]
    """What went wrong with each request; empty for a good answer."""
    queue_s: FloatArray
    """Wait in the target as it tells; NaN where it does not.  [s]"""
    service_s: FloatArray
    ttft_s: FloatArray
    """Time to the first token from the intended moment; NaN where there are no tokens.  [s]"""
    tpot_s: FloatArray
    rate_per_s: float | None
    """Rate that was asked for; None for a closed loop that does not wait."""
    seconds: float
    """Time within which requests were sent."""
    poisson: bool
    """Whether the moments were drawn at random with that mean rate."""
    seed: int | None
    workers: int | None
    """Requests that the target serves at once; None where nobody told."""
    timeout_s: float
    slo_s: float | None
    started: str
    """UTC, ISO 8601."""
    machine: Machine
    versions: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for name in _TIMES:
            times = np.array(getattr(self, name), dtype=np.float64)
            times.flags.writeable = False
            object.__setattr__(self, name, times)

    @property
    def response_s(self) -> FloatArray:
        """Seconds from the intended moment to the answer; infinite for a request that got none."""
        return np.where(self._failed, np.inf, self.done_s - self.intended_s)

    @property
    def lag_s(self) -> FloatArray:
        """Seconds by which this client sent each request late."""
        return self.sent_s - self.intended_s

    @property
    def failed(self) -> dict[str, int]:
        """Requests that failed, by what went wrong."""
        return dict(Counter(failure for failure in self.failures if failure))

    @property
    def offered_per_s(self) -> float:
        """Requests sent a second."""
        return len(self.failures) / self.seconds

    @property
    def answered_per_s(self) -> float:
        """Good answers a second, until the last one came."""
        return float(np.sum(~self._failed)) / max(self.seconds, float(self.done_s.max()))

    @property
    def unanswered_at_end(self) -> int:
        """Requests without an answer when the last one was sent, itself left out."""
        return int(np.sum(self.done_s > self.sent_s.max())) - 1

    @property
    def client_late(self) -> bool:
        """Whether this client was so late itself that its lag shows in the figures."""
        share = settings()["load"]["late_share"]
        lag_s, response_s = (np.quantile(x, (0.5, 0.99), method="higher") for x in (self.lag_s, self.response_s))
        return bool((lag_s > share * response_s).any())

    def quantile(self, q: float) -> Interval | None:
        """Quantile of the response time, with the interval and the conditions of ``Run.quantile``.

        Parameters
        ----------
        q : float
            Between 0 and 1: 0.99 for the p99.

        Returns
        -------
        Interval or None
            Seconds, infinite where so many requests failed; None when the requests are too few.

        Notes
        -----
        Requests that wait in one queue are late together, so another run may well lie outside the interval.
        """
        return quantile_of(np.sort(self.response_s), q)

    def verdict(self, slo_s: float | None = None, q: float = 0.99) -> Verdict:
        """Whether the quantile of the response meets an objective, by default that of the test; as ``Run.verdict``."""
        slo_s = self.slo_s if slo_s is None else slo_s
        if slo_s is None or not 0 < slo_s < math.inf:
            raise MeasureError("field", field="slo_s", value=slo_s, must="> 0")
        return verdict_of(self.quantile(q), slo_s)

    @property
    def utilisation(self) -> float | None:
        """Offered load over the workers; None where service times or workers are not known."""
        served_s = self.service_s[np.isfinite(self.service_s)]
        if not len(served_s) or self.workers is None:
            return None
        return self.offered_per_s * float(served_s.mean()) / self.workers

    def predicted_s(self, q: float) -> float | None:
        """Quantile of the response that queueing theory predicts from the service times of this very run.

        Parameters
        ----------
        q : float
            In the tail, 0.9 and above; the formula is not made for the median.

        Returns
        -------
        float or None
            Response of a queue with the measured mean and variation of service times, plus the median time outside
            queue and service; infinite where the load is not below the workers; None where it is not known, and for
            a closed loop, whose requests do not come at random.  [s]
        """
        from advisor.capacity import response_quantile_s

        if self.utilisation is None or self.loop == "closed":
            return None
        served_s = self.service_s[np.isfinite(self.service_s)]
        gaps_s = np.diff(self.intended_s)
        drawn = self.poisson or len(gaps_s) < 2
        in_queue = response_quantile_s(
            q,
            servers=float(self.workers or 1),
            arrivals_per_s=self.offered_per_s,
            service_s=float(served_s.mean()),
            service_cv=float(served_s.std() / served_s.mean()),
            arrival_cv=1.0 if drawn else float(gaps_s.std() / gaps_s.mean()),
        )
        outside_s = self.done_s - self.intended_s - self.queue_s - self.service_s
        known_s = outside_s[np.isfinite(outside_s)]
        return float(in_queue) + (max(0.0, float(np.median(known_s))) if len(known_s) else 0.0)

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON; times that are not known are None."""
        times = {name: [x if math.isfinite(x) else None for x in getattr(self, name).tolist()] for name in _TIMES}
        return {"format": _FORMAT, **asdict(self), **times}

    @property
    def _failed(self) -> NDArray[np.bool_]:
        return np.array([bool(failure) for failure in self.failures])
