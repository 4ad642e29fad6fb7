"""Errors of published peer tools beside the advisor's on the same measured rows, and the CPU time of a query.

Usage: python benchmarks/peers.py --peers NAME[:EFFICIENCY]=PYTHON ... [--sample N] [--seen] [--fits FOLDER]

NAME is a file of benchmarks/peers, whose first line says what to install; PYTHON the interpreter of an environment that
has it; EFFICIENCY replaces the tool's default.  A tool is asked a sample of the rows whose metric, device, model and
precision it names, as many of each model and metric as there are, and the errors are over the rows that both answer.
The advisor answers from coefficients refitted without the model of the row: a fifth of all models at a time, devices
seen, the constants of settings.toml (of waiting under load, say) as they are.  With --seen it knows the rows.
"""

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from accuracy import OUT, PARTS, ROOT, fold_of, published, refitted

from advisor import load, predict
from advisor.calibration import load_calibration
from advisor.errors import UnknownIdError
from advisor.judged import predicted, prepared
from advisor.llm import load_language_calibration
from advisor.measured import LANGUAGE, measured_rows, table
from advisor.modelspec import plain
from advisor.score import figures

ADAPTERS = ROOT / "benchmarks" / "peers"
METRICS = ("latency", *LANGUAGE[:-1])
TEXTS = {"model": "model_key", "device": "name", "engine": "engine_id", "metric": "metric", "input": "input_shape"}
SIZES = {"tp": "tp", "dp": "attention_dp", "moe_tp": "moe_tp", "moe_ep": "moe_ep"}
ENDS = ("low_s", "mid_s", "high_s")


class Peer(NamedTuple):
    """A tool, the efficiency it is given, and the interpreter that has it."""

    name: str
    efficiency: str
    python: str

    @classmethod
    def of(cls, text: str) -> "Peer":
        what, _, python = text.partition("=")
        name, _, efficiency = what.partition(":")
        return cls(name, efficiency, python)


class Rows(NamedTuple):
    """Measured rows, the sheets that describe them, and the folder that they come from."""

    measured: pd.DataFrame
    devices: pd.DataFrame
    models: pd.DataFrame
    folder: Path

    def said(self, coefficients: Path, rows: pd.DataFrame) -> pd.DataFrame:
        """What the advisor says of some rows from the coefficients of a folder."""
        found = load_calibration(coefficients), load_language_calibration(coefficients)
        return predicted(rows, load(), *found, devices=self.devices, models=self.models).set_axis(rows.index)


def read(folder: Path) -> Rows:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "rows.csv"
        published(folder).to_csv(path, index=False)
        return Rows(measured_rows(path), table(folder / "devices.csv"), table(folder / "models.csv"), folder)


def handed(rows: Rows) -> pd.DataFrame:
    """What peers are told of every row, with the usual lengths and format where a row states none."""
    calibration = load_calibration()
    ready = prepared(rows.measured, load(), calibration, devices=rows.devices, models=rows.models)
    words = calibration.settings["language"]
    stated = ready["precision_norm"].where(ready["precision_norm"].ne("unknown"), ready["format"])
    texts = {name: ready[column] for name, column in TEXTS.items()} | {"precision": stated}
    devices, in_turn = ready["device_count"].clip(lower=1), ready["engine_id"].isin(words["in_turn_engines"])
    notes = ready["notes"].str
    sizes = {name: notes.extract(rf"\b{word}_size=(\d+)")[0].astype(float) for name, word in SIZES.items()}
    alike = sizes["tp"].isna() & ~in_turn  # no note on parallelism: all devices split every layer
    numbers = sizes | {
        "batch": ready["batch_size"], "devices": devices, "pp": devices.where(in_turn),
        "tp": sizes["tp"].mask(alike, devices), "moe_tp": sizes["moe_tp"].mask(alike, devices),
        "input_tokens": ready["input_tokens"].fillna(words["input_tokens"]),
        "output_tokens": ready["output_tokens"].fillna(words["output_tokens"]),
        "context": (ready["input_tokens"] + ready["output_tokens"].fillna(0) / 2).fillna(words["context_tokens"]),
    }  # fmt: skip
    counts = {name: values.fillna(1).clip(lower=1).astype(int) for name, values in numbers.items()}
    return pd.DataFrame({name: column.fillna("") for name, column in texts.items()} | counts)


def sampled(rows: pd.DataFrame, size: int) -> pd.DataFrame:
    """So many rows, the same number of every model and metric as far as there are."""
    turn = rows.sample(frac=1, random_state=0).groupby(["model", "metric"]).cumcount()
    return rows.loc[turn.sort_values(kind="stable").index[:size]].sort_index()


def answers(peer: Peer, asked: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
    """Version and start of a peer, and its answer to every row asked."""
    lines = "".join(json.dumps(row) + "\n" for row in asked.rename_axis("row").reset_index().to_dict("records"))
    command = [peer.python, "-P", str(ADAPTERS / "serve.py"), peer.name, *filter(None, [peer.efficiency])]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    start, *found = (json.loads(line) for line in done.stdout.splitlines())
    for reason, count in pd.Series([line["reason"] for line in found if line["reason"]]).value_counts().items():
        sys.stderr.write(f"{peer.name}: {count} times {reason}\n")
    return start, pd.DataFrame(found).set_index("row")


def unseen(rows: Rows, fits: Path) -> pd.DataFrame:
    """What the advisor says of every row from coefficients that saw nothing of its model."""
    networks = rows.measured["model_key"].map(lambda name: plain(name.rsplit(":", 1)[-1]))  # timm:resnet50 is resnet50
    fold, found = fold_of(networks, PARTS), []
    for part in range(PARTS):
        if not (fits / str(part) / "settings.toml").exists():
            refitted(rows.folder, rows.measured[fold.ne(part)], fits / str(part))
        found.append(rows.said(fits / str(part), rows.measured)[fold.eq(part)])
    return pd.concat(found).sort_index()


def together_s(rows: Rows, asked: pd.Index) -> float:
    """CPU seconds of the advisor for one of the rows asked, all of them at once."""
    rows.said(OUT, rows.measured.loc[asked])
    started = time.process_time()
    rows.said(OUT, rows.measured.loc[asked])
    return (time.process_time() - started) / len(asked)


def alone_s(asked: pd.DataFrame) -> float | None:
    """CPU seconds of one warm ``predict``, over the rows asked whose model and device have records."""
    spent: list[float] = []
    for row in asked.to_dict("records"):
        language = {"devices": row["devices"], "input_tokens": row["input_tokens"], "concurrency": row["batch"]}
        given = {"batch": row["batch"]} if row["metric"] == "latency" else language
        with suppress(UnknownIdError):
            predict(row["model"], row["device"], **given)
            started = time.process_time()
            predict(row["model"], row["device"], **given)
            spent.append(time.process_time() - started)
    return float(np.mean(spent)) if spent else None


def compared(peer: Peer, rows: Rows, told: pd.DataFrame, ours: pd.DataFrame, size: int) -> list[dict[str, Any]]:
    """Figures of one peer and of the advisor on the rows that both answer, by metric."""
    unnamed = runpy.run_path(str(ADAPTERS / f"{peer.name}.py"))["unnamed"]
    named = told[[not unnamed(row) for row in told.to_dict("records")]]
    sample = sampled(named, size)
    start, said = answers(peer, sample)
    theirs = pd.DataFrame(dict.fromkeys(ENDS, said["seconds"])).assign(refusal="")
    together, lines = together_s(rows, sample.index), []
    for metric, part in sample.groupby("metric"):
        answered = part.index[said.loc[part.index, "seconds"].notna()]
        both = answered[ours.loc[answered, "refusal"].eq("")]
        measured, times = rows.measured.loc[both].reset_index(drop=True), said.loc[part.index, "cpu_s"]
        tables = [one.loc[both].reset_index(drop=True) for one in (theirs, ours)] if len(both) else []
        peers, own = [figures(measured, one)[0] for one in tables] or (None, None)
        lines.append(
            {"peer": f"{peer.name} {start['version']}", "efficiency": peer.efficiency, "metric": metric,
             "named": int(named["metric"].eq(metric).sum()), "asked": len(part), "answered": len(answered),
             "both": len(both), "models": part.loc[both, "model"].nunique(),
             "median error": peers and peers.ape_median, "p90": peers and peers.ape_p90,
             "factor": peers and peers.factor_median, "advisor's": own and own.ape_median,
             "advisor's p90": own and own.ape_p90, "advisor's factor": own and own.factor_median,
             "start, CPU s": start["start_cpu_s"], "query, CPU s": times.mean(), "median query": times.median(),
             "advisor's, together": together, "advisor's, predict": alone_s(part)}
        )  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Peer.of, nargs="+", required=True, metavar="NAME[:EFFICIENCY]=PYTHON")
    parser.add_argument("--sample", type=int, default=200, help="rows that every peer is asked")
    parser.add_argument("--seen", action="store_true", help="the packed coefficients, at once")
    parser.add_argument("--fits", type=Path, help="folder that keeps the refitted coefficients for the next run")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args()
    rows = read(ROOT / "data" / "measured")
    told = handed(rows)
    with tempfile.TemporaryDirectory() as name:
        ours = rows.said(OUT, rows.measured) if asked.seen else unseen(rows, asked.fits or Path(name))
    told = told[told["metric"].isin(METRICS)]
    lines = [line for peer in asked.peers for line in compared(peer, rows, told, ours, asked.sample)]
    print("The advisor saw", "these rows" if asked.seen else "no row of the models it is asked here", end="\n\n")
    print(pd.DataFrame(lines).to_string(index=False, float_format=lambda value: f"{value:.3g}", na_rep="-"))
    if asked.json:
        asked.json.write_text(json.dumps({"seen": asked.seen, "figures": lines}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
