"""Cold starts of functions out of published measurements: base start of a runtime, spread of starts, loading rate.

Reads data/cold_starts.csv, prints what it finds and writes the measured cells of data/serverless.csv; all other cells
of its cold-start columns are estimates, named in estimated_fields.

    python tools/fit_cold_starts.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
LOADER = "Safetensors, weights into GPU"
SERVICES = {("gcp", "cloud-run"): ("gcp", "cloud-functions"), ("gcp", "cloud-run-gpu"): ("gcp", "cloud-run-gpu")}
"""Services whose starts are published as a range, and the row of the measurements that holds it."""
Fit = dict[tuple[str, str], dict[str, float]]


def fitted(measured: pd.DataFrame) -> Fit:
    """Measured cells of data/serverless.csv by provider and service."""
    rate = loading_rate_mb_per_s(measured)
    found: Fit = {("aws", "lambda"): lambda_start(measured)}
    for service, row in SERVICES.items():
        found[service] = ranged_start(measured, *row)
    azure = measured[(measured["provider"] == "azure") & (measured["statistic"] == "most")]
    found["azure", "functions"] = {"cold_start_s_high": round(float(azure["seconds"].iloc[0]), 3)}
    for service in (("gcp", "cloud-run-gpu"), ("alibaba", "function-compute-gpu")):
        found.setdefault(service, {})["cold_load_mb_per_s"] = rate
    return found


def lambda_start(measured: pd.DataFrame) -> dict[str, float]:
    """Start of an empty Python function from an image, of either processor: a model and its engine need an image.

    The middle and the central 80 % of the medians of all memory sizes, and the middle ratio of p90 to p50.
    """
    pairs = lambda_pairs(measured)
    low, mid, high = np.quantile(pairs["p50"], (0.1, 0.5, 0.9))
    spread = float((pairs["p90"] / pairs["p50"]).median())
    return {
        "cold_start_s_low": round(float(low), 3),
        "cold_start_s_mid": round(float(mid), 3),
        "cold_start_s_high": round(float(high), 3),
        "cold_start_spread": round(spread, 2),
    }


def lambda_pairs(measured: pd.DataFrame) -> pd.DataFrame:
    """p50 and p90 of Python images on AWS Lambda, by runtime and memory."""
    rows = measured[
        (measured["service"] == "lambda")
        & measured["runtime"].str.startswith("python")
        & (measured["package"] == "image")
        & measured["statistic"].isin(["p50", "p90"])
    ]
    return rows.pivot_table(index=["runtime", "memory_mb"], columns="statistic", values="seconds").reset_index()


def ranged_start(measured: pd.DataFrame, provider: str, service: str) -> dict[str, float]:
    """Start that is published as the range of most starts: its geometric middle, and its ends as p10 and p90."""
    rows = measured[(measured["provider"] == provider) & (measured["service"] == service)].set_index("statistic")
    least, most = float(rows.loc["least", "seconds"]), float(rows.loc["most", "seconds"])
    return {
        "cold_start_s_low": round(least, 3),
        "cold_start_s_mid": round((least * most) ** 0.5, 3),
        "cold_start_s_high": round(most, 3),
        "cold_start_spread": round((most / least) ** 0.5, 2),
    }


def loading_rate_mb_per_s(measured: pd.DataFrame) -> float:
    """Rate at which the usual loader brings weights from a local disk into an accelerator."""
    rows = measured[measured["runtime"] == LOADER]
    return round(float((rows["package_mb"] / rows["seconds"]).median()))


def memory_exponent(measured: pd.DataFrame) -> float:
    """Exponent of memory in the median start of AWS Lambda; about 0 means that memory does not matter."""
    pairs = lambda_pairs(measured)
    return float(np.polyfit(np.log(pairs["memory_mb"]), np.log(pairs["p50"]), 1)[0])


def main() -> None:
    measured = pd.read_csv(DATA / "cold_starts.csv")
    terms = pd.read_csv(DATA / "serverless.csv", dtype=str, keep_default_na=False)
    for (provider, service), cells in fitted(measured).items():
        rows = (terms["provider"] == provider) & (terms["service"] == service)
        print(provider, service, cells)
        for column, value in cells.items():
            terms.loc[rows, column] = f"{value:g}"
    terms.to_csv(DATA / "serverless.csv", index=False, lineterminator="\n")
    print(f"AWS Lambda: start grows as memory to the power {memory_exponent(measured):.2f}")


if __name__ == "__main__":
    main()
