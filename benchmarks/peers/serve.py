"""What a peer's own interpreter runs: rows as JSON lines in, answers and CPU seconds as JSON lines out.

Usage: python -P benchmarks/peers/serve.py NAME [EFFICIENCY] < rows > answers
"""

import json
import runpy
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

LONGEST_REASON = 90


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # tools print what they like
    efficiency = float(sys.argv[2]) if len(sys.argv) > 2 else None
    adapter = runpy.run_path(str(Path(__file__).with_name(f"{sys.argv[1]}.py")))
    started = time.process_time()
    estimate = adapter["estimator"](efficiency)

    def write(line: dict[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    write({"version": version(adapter["DISTRIBUTION"]), "start_cpu_s": time.process_time() - started})
    for line in sys.stdin:
        row, seconds, reason = json.loads(line), None, ""
        started = time.process_time()
        try:
            seconds = float(estimate(row))
        except Exception as error:  # noqa: BLE001 - a tool may fail in any way; that it does not answer is a figure
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_REASON]
        write({"row": row["row"], "seconds": seconds, "reason": reason, "cpu_s": time.process_time() - started})


if __name__ == "__main__":
    main()
