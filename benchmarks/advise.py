"""Speed of the advisor in one run: import, cold and warm answers over all offers, candidates per second, peak memory.

Every part runs in a process of its own; figures are wall seconds, best and median of several runs on this machine.
"""

import json
import statistics
import subprocess
import sys
import time
from typing import Any

RUNS = 9
ALL = "skills='ml-platform', precisions=('fp32', 'fp16', 'int8', 'fp8', 'int4')"
QUESTIONS = {
    "resnet50, US, everything": f"model='resnet50', qps=50, p99_ms=400, country='US', {ALL}",
    "resnet50, CN, in the country": "model='resnet50', qps=50, p99_ms=100, country='CN', data='country'",
    "llama-3-8b, US, everything": f"model='llama-3-8b', qps=2, country='US', {ALL}",
}
ANSWER = """
import json, time
started = time.perf_counter()
from advisor import Requirements, advise
asked = Requirements({question})
advice = advise(asked)
advice.best
cold = time.perf_counter() - started
warm, table = [], []
for number in range(1, {runs} + 1):
    again = asked.model_copy(update=dict(qps=asked.qps + number))
    started = time.perf_counter()
    advice = advise(again)
    advice.best
    warm.append(time.perf_counter() - started)
    started = time.perf_counter()
    advice.table(), advice.families()
    table.append(time.perf_counter() - started)
import psutil
memory = psutil.Process().memory_info()
peak = getattr(memory, "peak_wset", 0)
if not peak:
    import resource, sys
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
ev = advice.evaluation
fit = int((ev.mask == 0).sum())
print(json.dumps(dict(cold=cold, warm=warm, table=table, candidates=len(ev.found), fit=fit, peak=peak)))
"""


def timed(program: str) -> dict[str, Any]:
    """What a program prints as its last line, read as JSON."""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return result


def import_seconds() -> list[float]:
    """Wall seconds of ``import advisor`` in fresh processes, the interpreter's own start taken off."""
    seconds = []
    for _ in range(RUNS):
        marks = []
        for program in ("pass", "import advisor"):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            marks.append(time.perf_counter() - started)
        seconds.append(marks[1] - marks[0])
    return seconds


def main() -> None:
    """Print the table."""
    seconds = import_seconds()
    print(f"import advisor: best {min(seconds):.3f} s, median {statistics.median(seconds):.3f} s of {RUNS}")
    names = "cold s", "warm best ms", "warm median ms", "table ms", "candidates", "fit", "M cand./s", "peak MB"
    print(f"{'question':30}" + "".join(f"{name:>15}" for name in names))
    for name, question in QUESTIONS.items():
        r = timed(ANSWER.format(question=question, runs=RUNS))
        median = statistics.median(r["warm"])
        cells = (
            f"{r['cold']:.2f}",
            f"{min(r['warm']) * 1e3:.0f}",
            f"{median * 1e3:.0f}",
            f"{statistics.median(r['table']) * 1e3:.0f}",
            f"{r['candidates']:,}",
            f"{r['fit']:,}",
            f"{r['candidates'] / median / 1e6:.1f}",
            f"{r['peak'] / 1e6:.0f}",
        )
        print(f"{name:30}" + "".join(f"{cell:>15}" for cell in cells))


if __name__ == "__main__":
    main()
