"""A requirement together with the model it names, every open wish filled by its documented default."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from advisor.document import Asked
from advisor.errors import RequirementError
from advisor.modelspec import ModelSpec
from advisor.requirements import Requirements, settings
from advisor.results import Interval
from advisor.units import MS_PER_S

_TOKEN_FIELDS = ("ttft_ms", "tpot_ms", "input_tokens", "output_tokens")


@dataclass(frozen=True)
class Question:
    """What is asked, in SI units.

    ``rates_per_s`` holds the peak arrivals of one place, and twice of all places together: for machines and for
    functions.  ``assumed`` names the wishes that a default stands in for, with its value.
    """

    asked: Requirements
    spec: ModelSpec
    rates_per_s: NDArray[np.float64]
    response_s: float | None
    first_s: float | None
    token_s: float | None
    input_tokens: int
    output_tokens: int
    assumed: tuple[tuple[str, float], ...]

    @property
    def generates(self) -> bool:
        """Whether the model answers token by token."""
        return self.spec.family == "llm"

    @property
    def local(self) -> bool:
        """Whether the requests arise where a server or device of the user stands."""
        return self.asked.data == "on-premises" or self.at_devices

    @property
    def at_devices(self) -> bool:
        """Whether the requests arise at devices: data that stay on them, a poor or no network, or several sites."""
        asked = self.asked
        return asked.data == "on-device" or self.needs_no_network or asked.internet == "poor" or asked.sites > 1

    @property
    def needs_no_network(self) -> bool:
        """Whether it must work without a network."""
        return self.asked.offline or self.asked.internet == "none"


def question(asked: Requirements, spec: ModelSpec) -> Question:
    """Question for a model.

    Raises
    ------
    RequirementError
        If a model that answers at once has no p99 objective, or has wishes that only language models have.
    """
    peak = asked.qps * asked.peak_factor
    rates = np.array([peak, peak * asked.sites, peak * asked.sites])
    response_s = None if asked.p99_ms is None else asked.p99_ms / MS_PER_S
    if spec.family != "llm":
        if response_s is None:
            raise RequirementError("missing_field", field="p99_ms", value="", example="p99_ms=100")
        for field in _TOKEN_FIELDS:
            if getattr(asked, field) is not None:
                raise RequirementError("only_language", field=field, value=getattr(asked, field), family=spec.family)
        return Question(asked, spec, rates, response_s, None, None, 0, 0, ())
    defaults = settings()["defaults"]["llm"]
    wishes = {field: getattr(asked, field) for field in _TOKEN_FIELDS}
    filled = {field: defaults[field] if value is None else value for field, value in wishes.items()}
    return Question(
        asked,
        spec,
        rates,
        response_s,
        filled["ttft_ms"] / MS_PER_S,
        filled["tpot_ms"] / MS_PER_S,
        filled["input_tokens"],
        filled["output_tokens"],
        tuple((field, filled[field]) for field, value in wishes.items() if value is None),
    )


def asked_of(asking: Question) -> Asked:
    """Question as it is handed on."""
    asked, spec = asking.asked, asking.spec
    macs = spec.macs_interval()
    return Asked(
        model=spec.name or spec.family,
        family=spec.family,
        params=float(spec.params),
        macs=Interval(macs.low, macs.mid, macs.high),
        p99_ms=asked.p99_ms,
        ttft_ms=None if asking.first_s is None else asking.first_s * MS_PER_S,
        tpot_ms=None if asking.token_s is None else asking.token_s * MS_PER_S,
        qps=asked.qps,
        country=asked.country,
        assumed=tuple((name, float(value)) for name, value in asking.assumed),
        assumptions=tuple((code, tuple(map(_plain, numbers))) for code, numbers in spec.assumptions),
    )


def _plain(named: tuple[str, float | str]) -> tuple[str, float | str]:
    name, value = named
    return name, value if isinstance(value, str) else float(value)
