"""Traffic under an autoscaler in words: the p99 and who came late, the longest wait, what it took."""

from collections.abc import Iterator

from advisor.numbers import interval_text, number, percent
from advisor.results import Interval
from advisor.text import sentence
from advisor.trace import Trace
from advisor.units import MS_PER_S, PERCENT, SECONDS_PER_HOUR, SECONDS_PER_MINUTE


def trace_lines(found: Trace, lang: str) -> Iterator[str]:
    """What the whole of the traffic met, the worst of it, and the replica-hours beside those of a fixed fleet."""
    scaled, objective = found.scaled, number(found.response_s * MS_PER_S)
    said = {"count": f"{scaled.queue.arrivals_s.size:,}", "hours": number(found.hours), "objective": objective,
            "late": small_percent(found.late_share)}  # fmt: skip
    if found.p99_s is None:
        yield sentence("trace.few", lang, **said)
    else:
        code = "held" if found.p99_s.mid <= found.response_s else "broken"
        yield sentence(f"trace.{code}", lang, p99=_ms(found.p99_s, lang), **said)
    yield sentence(
        "trace.worst",
        lang,
        broken=found.broken,
        intervals=len(found.table),
        length=number(found.interval_s / SECONDS_PER_MINUTE),
        wait=number(scaled.worst_wait_s),
        hour=number(found.worst_interval_s / SECONDS_PER_HOUR),
    )
    yield sentence(
        "trace.hours",
        lang,
        hours=number(scaled.replica_hours),
        mean=number(scaled.replica_hours / found.hours),
        most=found.most_replicas,
        fixed=number(found.fixed_hours),
        starts=scaled.starts,
    )


def small_percent(share: float) -> str:
    """Share as a percentage, with its digits where it is small."""
    return percent(share) if share == 0 or share >= 0.1 else f"{number(share * PERCENT)}%"


def _ms(interval: Interval, lang: str) -> str:
    low, mid, high = (end * MS_PER_S for end in (interval.low, interval.mid, interval.high))
    return interval_text(Interval(low, mid, high), lang)
