"""A load test: every request with its times, and what they say."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from advisor.errors import MeasureError
from advisor.lab import record_files
from advisor.lab.machine import Machine
from advisor.lab.queueing import predicted_response_s
from advisor.lab.runs import Verdict, quantile_of, verdict_of
from advisor.lab.settings import settings
from advisor.results import Interval

FloatArray = NDArray[np.float64]
Loop = Literal["open", "closed"]

KIND = "load"
FORMAT = 1

_NUMBERS = ("rate_per_s", "seconds", "workers", "timeout_s", "slo_s", "client_delay_s", "stolen_share", "seed")
_TIMES = ("intended_s", "sent_s", "done_s", "queue_s", "service_s", "delay_s", "ttft_s", "tpot_s")


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
    delay_s: FloatArray
    """Part of the service in which the target waited for a processor, as it tells; NaN where it does not.  [s]"""
    ttft_s: FloatArray
    """Time to the first token from the intended moment; NaN where there are no tokens.  [s]"""
    tpot_s: FloatArray
    rate_per_s: float | None
    """Rate that was asked for; None for a closed loop that does not wait."""
    seconds: float
    """Time within which requests were sent; of a test that was cancelled, until then."""
    poisson: bool
    """Whether the moments were drawn at random with that mean rate."""
    seed: int | None
    workers: int | None
    """Requests that the target serves at once; None where nobody told."""
    timeout_s: float
    slo_s: float | None
    client_delay_s: float | None
    """Seconds for which this client was ready and had no processor; None where the system does not tell."""
    stolen_share: float | None
    """Share of the time of the processors that the host of this virtual machine kept; None where it is not told."""
    cancelled: bool
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

    @property
    def target_delay_share(self) -> float | None:
        """Share of the service times in which the target waited for a processor; None where it does not tell."""
        told = np.isfinite(self.delay_s)
        served_s = float(self.service_s[told].sum())
        return float(self.delay_s[told].sum()) / served_s if served_s > 0 else None

    @property
    def client_delay_share(self) -> float | None:
        """Time for which this client waited for a processor, over the time that its requests took; None if not told."""
        if self.client_delay_s is None:
            return None
        return self.client_delay_s / float((self.done_s - self.intended_s).sum())

    @property
    def delay_share(self) -> float | None:
        """Largest share that waiting for a processor has: of the client, of the target, of the whole machine."""
        shares = (self.client_delay_share, self.target_delay_share, self.stolen_share)
        return max((share for share in shares if share is not None), default=None)

    @property
    def interfered(self) -> bool | None:
        """Whether want of processors is in the figures; None where the system does not tell."""
        share = self.delay_share
        return None if share is None else share > settings()["interference"]["delay_share"]

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
            queue and service; infinite where the load is not below the workers; None where it is not known, below
            0.9, and for a closed loop, whose requests do not come at random.  [s]
        """
        if self.loop == "closed":
            return None
        gaps_s = np.diff(self.intended_s)
        drawn = self.poisson or len(gaps_s) < 2
        found = predicted_response_s(
            q,
            arrivals_per_s=self.offered_per_s,
            service_s=self.service_s,
            outside_s=self.outside_s,
            workers=self.workers,
            arrival_cv=1.0 if drawn else float(gaps_s.std() / gaps_s.mean()),
        )
        return None if found is None else float(found)

    @property
    def outside_s(self) -> FloatArray:
        """Time of each request outside the queue and the service of the target; NaN where it does not tell.  [s]."""
        return self.done_s - self.intended_s - self.queue_s - self.service_s

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON; times that are not known are None."""
        times = {name: [x if math.isfinite(x) else None for x in getattr(self, name).tolist()] for name in _TIMES}
        return {"kind": KIND, "format": FORMAT, **asdict(self), **times}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "LoadRun":
        """Load test from what ``record`` gave.

        Raises
        ------
        MeasureError
            If it is no such record.
        """
        return record_files.made_of(record, KIND, FORMAT, _run_of)

    def save(self, folder: str | Path) -> Path:
        """Write it to a new JSON file, and return its path; a file that is there is never written over.

        Raises
        ------
        MeasureError
            If the folder cannot be written.
        """
        return record_files.written(self.record(), folder, record_files.file_name(self.started, KIND, self.target))

    @classmethod
    def load(cls, path: str | Path) -> "LoadRun":
        """Load test that ``save`` wrote.

        Raises
        ------
        MeasureError
            If the file cannot be read or holds something else.
        """
        return record_files.read(path, KIND, cls.from_record)

    @property
    def _failed(self) -> NDArray[np.bool_]:
        return np.array([bool(failure) for failure in self.failures])


def _run_of(record: Mapping[str, Any]) -> LoadRun:
    known = {
        **{field.name: record[field.name] for field in fields(LoadRun)},
        **{name: np.array(record[name], dtype=np.float64) for name in _TIMES},
        "failures": tuple(record["failures"]),
        "machine": Machine.from_record(record["machine"]),
        "versions": tuple((name, number) for name, number in record["versions"]),
    }
    run = LoadRun(**known)
    told = all(getattr(run, name).shape == (len(run.failures),) for name in _TIMES)
    sent = all(np.isfinite(getattr(run, name)).all() for name in ("intended_s", "sent_s", "done_s"))
    words = all(isinstance(word, str) for word in (*run.failures, run.target, run.started))
    numbers = all(isinstance(getattr(run, name), int | float | None) for name in _NUMBERS)
    if not (run.failures and told and sent and words and numbers and run.seconds > 0 and run.loop in get_args(Loop)):
        raise ValueError(run.loop)
    return run
