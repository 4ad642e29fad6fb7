"""How far the lab can be trusted on this machine: its own cost, false and missed differences, coverage, a second tool.

Usage: python benchmarks/lab.py [cost] [trials] [coverage] [nominal] [loadgen] [minute] [--trials N] [--trial-seconds S]
                               [--json FILE]

cost      thread CPU time per inference of the measuring loop over a bare loop, block by block in turn
trials    N comparisons of a model with itself and with the same model of 5 % more work: 21 equal layers against 20
coverage  a series of 100 s: how often intervals from parts of it hold the quantiles of the whole
nominal   simulated independent samples, in one piece and in bursts: how often intervals hold the true quantile
minute    ten models of the zoo that a calibration of a minute did not see: errors with it and without
loadgen   p50 and p90 of MLPerf LoadGen, single stream, over those of the lab, in turn; needs mlcommons-loadgen

Without a name all are run.  Every figure is of one machine in one hour; the share of the time in which the measurement
waited for a processor says how much other work there was.
"""

import argparse
import gc
import importlib.util
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from advisor import predict  # noqa: E402
from advisor.calibration import load_calibration  # noqa: E402
from advisor.lab import calibrate_here, child, compare, jobs, measure, this_machine, zoo  # noqa: E402
from advisor.lab.ratios import paired_ratio_bounds  # noqa: E402
from advisor.lab.runs import needed_samples, quantile_of  # noqa: E402
from advisor.lab.sessions import feed_of, session_of  # noqa: E402
from advisor.lab.settings import settings  # noqa: E402
from advisor.lab.statistics import cluster_quantile_bounds, independent_samples, quantile_bounds  # noqa: E402
from advisor.lab.surroundings import delay_reader  # noqa: E402
from advisor.modelspec import of_onnx  # noqa: E402
from advisor.results import Interval  # noqa: E402
from advisor.units import NS_PER_S, PERCENT, US_PER_S  # noqa: E402

LAYERS = 20
ROWS, WIDTH = 32, 256
CONFIDENCE = 0.95
QUANTILES = (0.5, 0.9, 0.99)
BLOCK_S, BLOCKS = 0.005, 8000
SHORT_S = 0.0005
"""Inference time from which on the loop may cost a thousandth."""
TRIAL_S, TRIAL_BURSTS = 1.6, 20
SERIES_S = 100
DRAWS = 1000
PAIRS, PAIR_S = 40, 1.0
EACH = "each"
"""What goes into the file alone."""


def chain(path: Path, layers: int) -> Path:
    """Model of equal matrix products, one after another."""
    random = np.random.default_rng(0)
    weights = [random.normal(0, WIDTH**-0.5, (WIDTH, WIDTH)).astype(np.float32) for _ in range(layers)]
    nodes = [helper.make_node("MatMul", [f"x{n}", f"w{n}"], [f"x{n + 1}"]) for n in range(layers)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [ROWS, WIDTH]) for name in ("x0", f"x{layers}")]
    held = [numpy_helper.from_array(weight, f"w{n}") for n, weight in enumerate(weights)]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def runnable(model: str | Path) -> tuple[Any, list[str], dict[str, np.ndarray]]:
    """Session, outputs and inputs as the measuring child has them."""
    message = jobs.job(model, threads=1, batch=1, seconds=1, providers=None).message
    session = session_of(message["model"], message["threads"], message["providers"])
    feed = feed_of(message["inputs"], seed=message["seed"], whole_number=message["whole_number"])
    return session, [entry.name for entry in session.get_outputs()], feed


def cost(home: Path) -> dict[str, Any]:
    """CPU time of the loop over a bare one.  [s]."""
    models = {"digits": zoo.path("digits"), f"{LAYERS} layers": chain(home / "cost.onnx", LAYERS)}
    return {name: cost_of(path) for name, path in models.items()}


def cost_of(path: Path) -> dict[str, Any]:
    session, outputs, feed = runnable(path)
    inference = child.Inference(session.run, outputs, feed)
    child._settle(inference, SHORT_S / 2)
    count = max(1, int(BLOCK_S * NS_PER_S / child._timed(inference)))

    def bare() -> None:
        for _ in range(count):
            session.run(outputs, feed)

    def timed() -> None:
        kept: list[int] = []
        child._take(inference, count, time.perf_counter_ns, kept.append)

    def cpu_s(loop: Callable[[], None]) -> float:
        start = time.thread_time_ns()
        loop()
        return (time.thread_time_ns() - start) / count / NS_PER_S

    child._rest_the_collector()
    pairs = np.array(
        [(cpu_s(bare), cpu_s(timed)) if n % 2 else (cpu_s(timed), cpu_s(bare))[::-1] for n in range(BLOCKS)]
    )
    gc.enable()
    low, middle, high = quantile_bounds(np.sort(pairs[:, 1] - pairs[:, 0]), 0.5, confidence=CONFIDENCE)
    base = float(np.median(pairs[:, 0]))
    return {
        "bare_us": base * US_PER_S,
        "cost_us": [bound * US_PER_S for bound in (low, middle, high)],
        "cost_percent": [bound / base * PERCENT for bound in (low, middle, high)],
        "cost_percent_of_half_a_ms": [bound / SHORT_S * PERCENT for bound in (low, middle, high)],
    }


def trials(home: Path, count: int, seconds: float) -> dict[str, Any]:
    """What is said of a copy and of a model with 5 % more work."""
    model, slower = chain(home / "model.onnx", LAYERS), chain(home / "slower.onnx", LAYERS * 21 // 20)
    made = []
    for seed in range(count):
        made.append(compare(model, model, slower, seconds=seconds, bursts=TRIAL_BURSTS, seed=seed))
        if seed % 20 == 19:
            print(f"  {seed + 1} trials", file=sys.stderr, flush=True)
    facts: dict[str, Any] = {
        "trials": count,
        "seconds": seconds,
        "wait_share": float(np.median([each.delay_share or 0 for each in made])),
    }
    for basis in ("corrected", "wall"):
        copies, others = ([each.ratio(n, basis=basis) for each in made] for n in (0, 1))
        facts[basis] = {
            "copy": dict(Counter(each.decision(0, basis=basis) for each in made)),
            "slower": dict(Counter(each.decision(1, basis=basis) for each in made)),
            "floor_p50_p90": np.quantile([each.floor(basis=basis) for each in made], [0.5, 0.9]).tolist(),
            "copy_ratio_p5_p50_p95": np.quantile([each.mid for each in copies if each], [0.05, 0.5, 0.95]).tolist(),
            EACH: [[bounds(copy), bounds(other)] for copy, other in zip(copies, others, strict=True)],
            "slower_ratio_p5_p50_p95": np.quantile([each.mid for each in others if each], [0.05, 0.5, 0.95]).tolist(),
        }
    return facts


def bounds(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.mid, interval.high]


def coverage(home: Path) -> dict[str, Any]:
    """Share of intervals from parts of a series that hold the quantiles of the whole."""
    run = measure(chain(home / "series.onnx", LAYERS), seconds=SERIES_S)
    series, random = run.samples_s, np.random.default_rng(0)
    burst = len(series) // 1000
    total = 20 * burst

    def contiguous() -> np.ndarray:
        start = random.integers(0, len(series) - total)
        return series[start : start + total]

    def spread() -> np.ndarray:
        stride = len(series) // 20
        starts = np.arange(20) * stride + random.integers(0, stride - burst, 20)
        return np.concatenate([series[start : start + burst] for start in starts])

    def scattered() -> np.ndarray:
        starts = random.integers(0, len(series) - burst, 20)
        return np.concatenate([series[start : start + burst] for start in starts])

    def one_draw(samples: np.ndarray, q: float) -> np.ndarray:
        return quantile_bounds(np.sort(samples), q, confidence=CONFIDENCE)

    def clustered(samples: np.ndarray, q: float) -> np.ndarray:
        sizes = [burst] * 20
        shown = independent_samples(samples, sizes, q, confidence=CONFIDENCE) >= needed_samples(q)
        found = cluster_quantile_bounds(samples, sizes, q, confidence=CONFIDENCE)
        return found if shown else np.full(3, np.nan)

    def of_a_run(samples: np.ndarray, q: float) -> np.ndarray:
        return np.array(bounds(quantile_of(samples, q, [burst] * 20)) or [np.nan] * 3)

    ways = {
        "2 s in one piece, independent": (contiguous, one_draw),
        "2 s in one piece, bursts of a run": (contiguous, of_a_run),
        "20 bursts, one in each 5 s, bursts of a comparison": (spread, clustered),
        "20 bursts, one in each 5 s, bursts of a run": (spread, of_a_run),
        "20 bursts at random, bursts of a run": (scattered, of_a_run),
    }
    found = {name: {f"p{q * PERCENT:g}": held(series, *way, q) for q in QUANTILES} for name, way in ways.items()}
    return {"samples": len(series), "burst": burst, "wait_share": run.delay_share, "coverage": found}


def held(
    series: np.ndarray, drawn: Callable[[], np.ndarray], stated: Callable[[np.ndarray, float], np.ndarray], q: float
) -> dict[str, float]:
    truth = np.quantile(series, q)
    low, _, high = np.array([stated(drawn(), q) for _ in range(DRAWS)]).T
    shown = ~np.isnan(low)
    inside = (low <= truth) & (truth <= high)
    return {"shown": float(shown.mean()), "held": float(inside[shown].mean()) if shown.any() else float("nan")}


def nominal(_: Path) -> dict[str, Any]:
    """Share of intervals of simulated independent samples that hold the true quantile."""
    random, found = np.random.default_rng(0), {}
    for count, bursts in ((1000, 20), (10_000, 20), (2000, 10)):
        sizes = (count // bursts,) * bursts
        for q in QUANTILES:
            drawn = [random.random(count) for _ in range(2 * DRAWS)]
            shares = []
            for each in ((), sizes):
                known = [interval for samples in drawn if (interval := quantile_of(samples, q, each))]
                shares.append(sum(interval.low <= q <= interval.high for interval in known) / len(known))
            found[f"{count} samples, {bursts} bursts, p{q * PERCENT:g}: one piece, bursts"] = shares
    return found


def loadgen(home: Path) -> dict[str, Any]:
    """Quantiles of MLPerf LoadGen over those of the lab's loop, on one session, in turn."""
    if importlib.util.find_spec("mlperf_loadgen") is None:
        return {"missing": "mlcommons-loadgen"}
    session, outputs, feed = runnable(chain(home / "loadgen.onnx", LAYERS))
    inference = child.Inference(session.run, outputs, feed)

    def own() -> np.ndarray:
        child._settle(inference, 0.05)
        times = {"flush_s": 2 * PAIR_S, "stretch_s": settings()["child"]["stretch_s"], "settle_s": 0.0}
        (part,) = child.samples(inference, delay_reader(), seconds=PAIR_S, **times)
        return np.quantile(part["samples_ns"], [0.5, 0.9], method="inverted_cdf")

    expected_ns = int(own()[0])

    def theirs() -> np.ndarray:
        child._settle(inference, 0.05)
        return single_stream(inference, expected_ns, home)

    pairs = np.array([(own(), theirs()) if n % 2 else (theirs(), own())[::-1] for n in range(PAIRS)])
    ratios = paired_ratio_bounds(pairs[:, 0].T, pairs[:, 1].T, confidence=CONFIDENCE)
    return {"pairs": PAIRS, "p50_us": float(np.median(pairs[:, 0, 0]) / NS_PER_S * US_PER_S)} | {
        name: ratios[:, n].tolist() for n, name in enumerate(("p50", "p90"))
    }


def single_stream(inference: Callable[[], object], expected_ns: int, home: Path) -> np.ndarray:
    """The p50 and p90 that LoadGen writes in its summary.  [ns]."""
    import mlperf_loadgen as lg

    def issue(samples: list[Any]) -> None:
        for sample in samples:
            inference()
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0)])

    wanted = lg.TestSettings()
    wanted.scenario, wanted.mode = lg.TestScenario.SingleStream, lg.TestMode.PerformanceOnly
    wanted.single_stream_expected_latency_ns = expected_ns // 2
    wanted.min_duration_ms = int(PAIR_S * 1000)
    wanted.min_query_count = needed_samples(0.9)
    logs = lg.LogSettings()
    logs.log_output.outdir, logs.log_output.copy_summary_to_stdout, logs.enable_trace = str(home), False, False
    system = lg.ConstructSUT(issue, lambda: None)
    library = lg.ConstructQSL(1, 1, lambda _: None, lambda _: None)
    lg.StartTestWithLogSettings(system, library, wanted, logs)
    lg.DestroyQSL(library)
    lg.DestroySUT(system)
    lines = (home / "mlperf_log_summary.txt").read_text(encoding="utf-8").splitlines()
    values = {line.split(":")[0].strip(): line.split(":")[-1].strip() for line in lines if "percentile latency" in line}
    return np.array([float(values[f"{q}.00 percentile latency (ns)"]) for q in (50, 90)])


UNSEEN = (
    "mobilenetv1", "efficientnet-b0", "mobilenetv3-large", "densenet121", "resnet34", "resnext50-32x4d",
    "convnext-tiny", "vit-small-16", "minilm-l12", "tinybert-4l-312",
)  # fmt: skip


def minute(_: Path) -> dict[str, Any]:
    """Errors on models that the calibration did not see."""
    started = time.perf_counter()
    machine = calibrate_here()
    facts: dict[str, Any] = {"wall_s": time.perf_counter() - started, "kind": machine.device.kind}
    runs = {name: measure(name, seconds=3) for name in UNSEEN}
    after, before = machine.calibration(), load_calibration()
    for label, calibration, kind in (
        ("calibrated", after, machine.device.kind),
        *((f"uncalibrated, as {kind}", before, kind) for kind in ("cpu-client", "cpu-server")),
    ):
        device = machine.device.model_copy(update={"kind": kind})
        errors, inside = [], []
        for name, run in runs.items():
            asked = {"precision": "fp32", "engine": "onnxruntime", "calibration": calibration}
            said = predict(of_onnx(zoo.path(name)), device, **asked)
            true_ms = 1e3 * float(np.median(run.samples_s))
            errors.append(abs(said.latency_ms.mid - true_ms) / true_ms)
            inside.append(said.latency_ms.low <= true_ms <= said.latency_ms.high)
        facts[label] = {"median_error": float(np.median(errors)), "inside_80": float(np.mean(inside)),
                        "errors": dict(zip(runs, np.round(errors, 3).tolist(), strict=True))}  # fmt: skip
    return facts


def rows(facts: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Names and figures, one a line."""
    for name, value in facts.items():
        if name == EACH:
            continue
        if isinstance(value, dict):
            yield from rows(value, f"{above}{name}, ")
        else:
            figures = value if isinstance(value, list) else [value]
            yield above + name, "  ".join(f"{each:.4g}" if isinstance(each, float) else str(each) for each in figures)


def main() -> None:
    parts = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts.add_argument(
        "names", nargs="*", metavar="PART", help="cost, trials, coverage, nominal, loadgen, minute; by default all"
    )
    parts.add_argument("--trials", type=int, default=200, metavar="N")
    parts.add_argument("--trial-seconds", type=float, default=TRIAL_S, metavar="S", help="of all four configurations")
    parts.add_argument("--json", type=Path, metavar="FILE")
    asked = parts.parse_args()
    steps: dict[str, Callable[[Path], dict[str, Any]]] = {
        "cost": cost,
        "trials": lambda home: trials(home, asked.trials, asked.trial_seconds),
        "coverage": coverage,
        "nominal": nominal,
        "loadgen": loadgen,
        "minute": minute,
    }
    if unknown := set(asked.names) - set(steps):
        parts.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(steps)}")
    machine = this_machine()
    facts: dict[str, Any] = {"machine": {"cpu": machine.cpu, "usable": machine.usable_cpus, "load": machine.load_1min}}
    with tempfile.TemporaryDirectory() as home:
        for name in asked.names or steps:
            facts[name] = steps[name](Path(home))
            print("\n".join(f"{row:60} {figure}" for row, figure in rows({name: facts[name]})), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(facts, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
