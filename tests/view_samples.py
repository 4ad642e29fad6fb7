"""Advice made by hand for the tests of the widgets: a view shows what it is given, whatever the engine says."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd

from advisor.report import options_table
from advisor.requirements import Requirements
from advisor.results import Interval, Option
from advisor.schema import FAMILIES
from advisor.text import sentence


def option(number: int, **changes: Any) -> Option:
    """Option that fits, and gets dearer and slower with its number."""
    family = FAMILIES[number % len(FAMILIES)]
    values: dict[str, Any] = {
        "id": f"stack-{number}",
        "names": {},
        "family": family,
        "families": (family,),
        "system": "AWS EC2",
        "systems": (),
        "provider": "aws",
        "region": "us-east-1",
        "site": "cloud",
        "operation": "vm",
        "engine": "ONNX Runtime",
        "hardware": f"m7i.{number}xlarge",
        "device": "intel-xeon-sapphire-rapids",
        "precision": "int8",
        "replicas": number,
        "workers": 1,
        "units_per_worker": 1.0,
        "batch": 1,
        "usd_per_month": 100.0 * number,
        "usd_per_month_known": True,
        "p50_ms": Interval(4.0 * number, 6.0 * number, 12.0 * number),
        "p90_ms": Interval(7.0 * number, 10.0 * number, 20.0 * number),
        "p95_ms": Interval(8.0 * number, 12.0 * number, 24.0 * number),
        "p99_ms": Interval(10.0 * number, 15.0 * number, 30.0 * number),
        "ttft_ms": None,
        "tpot_ms": None,
        "network_ms": Interval(1.0, 2.0, 3.0),
        "cold": None,
        "utilisation": 0.5,
        "headroom": 0.4,
        "score": 1.0 / number,
        "scores": (),
        "p_best": 1.0 / number,
        "fidelity": "calibrated",
        "verdict": "fits",
        "conditions": (),
        "bill": (),
        "hours_per_month": 1.0,
        "launch_days": 2.0,
        "price_date": "2026-08-01",
        "sources": ("price list of the cloud",),
    }
    option = Option(**(values | changes))
    return replace(option, names={"system": option.system, "hardware": option.hardware, "engine": option.engine})


class SampleAdvice:
    """Answer whose first hardware is named after the question, so that a test sees whether it was asked again."""

    def __init__(self, asked: Requirements, options: tuple[Option, ...]) -> None:
        self.asked = asked
        self.shortlist = options
        self.best = options[0] if options else None
        self.question = SimpleNamespace(assumed=(("sites", 1.0),), assumptions=())

    def table(self, n: int, lang: str) -> pd.DataFrame:
        return options_table(self.shortlist[:n], lang)

    def families(self, lang: str) -> pd.DataFrame:
        no = sentence("verdict.no", lang)
        return pd.DataFrame(
            {
                sentence("column.family", lang): [sentence(f"family.{family}", lang) for family in FAMILIES],
                sentence("column.verdict", lang): no,
            }
        )

    def before_and_after(self, n: int = 10, lang: str | None = None) -> None:
        """Nothing was measured."""

    def explain(self, option_id: str, lang: str) -> str:
        return sentence("report.cost_line", lang, cost=option_id)


def sample_advice(asked: Requirements) -> SampleAdvice:
    """Six options, one of unknown price."""
    first = option(1, hardware=f"{asked.model} {asked.qps:g} {asked.country}")
    unknown = option(6, usd_per_month=None, usd_per_month_known=False)
    return SampleAdvice(asked, (first, *(option(number) for number in range(2, 6)), unknown))
