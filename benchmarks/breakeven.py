"""Break-even against a plain scan: random pairs of stacks, every place of a dense axis answered apart.

Prints, for each model, the pairs, the places that differ, the questions asked, and CPU seconds of a break-even.
"""

import random
import time

import numpy as np

from advisor import Requirements, advise
from advisor.breakeven import BreakEven, break_even
from advisor.contest import Contest, contest_of
from advisor.full_advice import FullAdvice

PAIRS, PLACES, SEED = 8, 700, 3
NEAR = 0.0011
"""Share around a crossing that is not compared: the resolution of the axis."""
QUESTIONS = (
    {"model": "resnet50", "p99_ms": 200},
    {"model": "bert-base", "p99_ms": 60},
    {"model": "llama-3.1-8b"},
    {"model": "yolov8n", "p99_ms": 150, "payload_kb": 300},
)


def differing(advice: FullAdvice, contest: Contest, found: BreakEven) -> tuple[int, int]:
    """Places of a scan, and those at which the answer is another one."""
    starts = np.array([segment.start for segment in found.segments])
    ids = (found.first.id, found.second.id)
    places = [at for at in np.geomspace(found.at[0], found.at[-1], PLACES) if abs(starts / at - 1).min() > NEAR]
    wrong = 0
    for at in places:
        segment = found.segments[int(np.searchsorted(starts, at, side="right")) - 1]
        point = contest.point(at, Requirements(**{**dict(advice.asked), "qps": float(at)}))
        cheaper = None if point.cheaper is None else ids[point.cheaper]
        fits = tuple(name for name, one in zip(ids, point.fits, strict=True) if one)
        wrong += (segment.cheaper, segment.feasible) != (cheaper, fits)
    return len(places), wrong


def main() -> None:
    rng = random.Random(SEED)
    for question in QUESTIONS:
        advice = advise(Requirements(qps=5, country="DE", **question))
        ev = advice.evaluation
        scanned, seconds, asked = [], [], []
        for _ in range(PAIRS):
            contest = contest_of(ev, advice._of, *rng.sample(advice._kinds, 2))
            started = time.process_time()
            found = break_even(contest, ev.asking, "qps", ev.knowledge.table("breakeven"))
            seconds.append(time.process_time() - started)
            asked.append(len(found.at))
            scanned.append(differing(advice, contest, found))
        places, wrong = map(sum, zip(*scanned, strict=True))
        print(
            f"{question['model']}: {PAIRS} pairs, {wrong} of {places} places differ; "
            f"{np.median(asked):.0f} questions and {np.median(seconds):.2f} CPU s (median)"
        )


if __name__ == "__main__":
    main()
