"""What the user asks for."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from advisor.errors import RequirementError
from advisor.knowledge import countries
from advisor.modelspec import ModelSpec
from advisor.paths import DATA
from advisor.schema import Precision, Provider, Skills
from advisor.units import HOURS_PER_DAY

Priority = Literal["cost", "latency", "operations", "launch", "elasticity", "privacy", "carbon"]
DataScope = Literal["anywhere", "country", "on-premises", "on-device"]


@cache
def settings() -> Mapping[str, Any]:
    """Bounds and documented defaults, from ``data/requirements.toml``."""
    return tomllib.loads((DATA / "requirements.toml").read_text(encoding="utf-8"))


class Requirements(BaseModel):
    """A question to the advisor.

    Parameters
    ----------
    model : str, Path or ModelSpec
        Catalogue id or a name that people use, path of an .onnx file, or sizes.
    qps : float
        Mean arrivals per second and site in active hours.
    country : str
        ISO 3166 code of users and data.
    p99_ms : float, optional
        Objective on the full response at the client, network included; required unless the model is a language model.
    ttft_ms, tpot_ms : float, optional
        Language models: p99 of the time to the first token, p99 over requests of the mean time per output token.
    input_tokens, output_tokens : int, optional
        Language models: lengths of a request.
    peak_factor : float, default 3
        Peak rate over mean rate.
    burstiness : float, default 1
        Squared coefficient of variation of the gaps between arrivals.
    hours_per_day : float, default 24
        Active hours; no traffic outside.
    payload_kb : float, default 100
        Size of a request.
    spare_replicas : int, default 0
        Replicas kept besides those that the peak needs, so that the objective holds while so many are down (n+1 = 1).
    sites : int, default 1
        Places to serve: edge and own servers are installed at each, clouds carry ``qps * sites``.
    data : str
        Where data may go: "anywhere", "country", "on-premises" or "on-device".
    offline, internet
        Whether it must work without a network; how good the network is: "good", "poor" or "none".
    providers : tuple of str, optional
        Clouds to consider; all by default.
    budget_usd_month, upfront_usd, power_w : float, optional
        Limits on money per month, on money before the start, and on power at each site.
    precisions : tuple of str
        Number formats that may be used.
    skills : str
        What the team can run: "none", "containers", "kubernetes" or "ml-platform".
    launch_days : float, optional
        Working days until it must answer.
    horizon_months : int, default 36
        Months over which owned hardware is used.
    priorities : mapping, optional
        Positive weights of cost, latency, operations, launch, elasticity, privacy and carbon; unnamed ones weigh
        nothing.
    as_of : str, optional
        Date of the prices (YYYY-MM-DD); the newest by default.

    Raises
    ------
    RequirementError
        If a field is unknown, of the wrong type, out of its bounds, or contradicts another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    model: str | Path | ModelSpec
    qps: float
    country: str
    p99_ms: float | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    peak_factor: float = 3.0
    burstiness: float = 1.0
    hours_per_day: float = HOURS_PER_DAY
    payload_kb: float = 100
    spare_replicas: int = 0
    sites: int = 1
    data: DataScope = "anywhere"
    offline: bool = False
    internet: Literal["good", "poor", "none"] = "good"
    providers: tuple[Provider, ...] | None = None
    budget_usd_month: float | None = None
    upfront_usd: float | None = None
    power_w: float | None = None
    precisions: tuple[Precision, ...] = ("fp32", "fp16", "int8")
    skills: Skills = "containers"
    launch_days: float | None = None
    horizon_months: int = 36
    priorities: Mapping[Priority, float] | None = None
    as_of: str | None = None

    def __init__(self, **wishes: Any) -> None:
        try:
            super().__init__(**wishes)
        except ValidationError as error:
            raise _as_requirement_error(error, wishes) from None

    @field_validator("model", mode="before")
    @classmethod
    def _a_model_is_named(cls, value: Any) -> Any:
        if isinstance(value, str) and not value.strip():
            raise PydanticCustomError("empty", "empty")
        return value

    @field_validator(*settings()["bounds"].keys() - {"weight"}, mode="before")
    @classmethod
    def _numbers_within_bounds(cls, value: Any, info: Any) -> Any:
        return None if value is None else _bounded(value, info.field_name)

    @field_validator("country", mode="before")
    @classmethod
    def _country_exists(cls, value: Any) -> Any:
        code = value.strip().upper() if isinstance(value, str) else value
        if not isinstance(code, str) or code not in countries():
            raise PydanticCustomError("country", "no such country")
        return code

    @field_validator("precisions", "providers")
    @classmethod
    def _a_list_names_something(cls, value: Any) -> Any:
        if value is not None and not value:
            raise PydanticCustomError("empty", "empty")
        return value if value is None else tuple(dict.fromkeys(value))

    @field_validator("priorities")
    @classmethod
    def _weights_are_positive(cls, value: Any) -> Any:
        if value is not None and not value:
            raise PydanticCustomError("empty", "empty")
        return None if value is None else {name: _bounded(weight, "weight") for name, weight in value.items()}

    @field_validator("as_of")
    @classmethod
    def _as_of_is_a_date(cls, value: Any) -> Any:
        from datetime import date

        if value is not None:
            date.fromisoformat(value)
        return value

    @model_validator(mode="after")
    def _wishes_agree(self) -> Self:
        closed = {
            "offline": self.offline,
            "internet": self.internet == "none",
            "data": self.data in ("on-premises", "on-device"),
        }
        for field, shut in closed.items():
            if shut and self.providers is not None:
                raise PydanticCustomError("contradiction", "contradiction", {"first": field, "second": "providers"})
        return self

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of the criteria: the stated priorities, else the documented default."""
        return dict(self.priorities or settings()["defaults"]["priorities"])


def _bounded(value: Any, field: str) -> Any:
    bounds = settings()["bounds"][field]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "not a number")
    if (
        not value <= bounds["most"]
        or value <= bounds.get("above", float("-inf"))
        or value < bounds.get("least", float("-inf"))
    ):
        raise PydanticCustomError("bounds", "out of bounds")
    return value


def _as_requirement_error(error: ValidationError, wishes: Mapping[str, Any]) -> RequirementError:
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "contradiction":
        names = first["ctx"]
        return RequirementError(
            "contradiction",
            field=names["first"],
            value=wishes[names["first"]],
            other=names["second"],
            other_value=_shown(wishes[names["second"]]),
        )
    if first["type"] == "extra_forbidden":
        near = get_close_matches(field, Requirements.model_fields, n=3, cutoff=0.5) or sorted(Requirements.model_fields)
        return RequirementError("unknown_field", field=field, value=_shown(first["input"]), known=", ".join(near))
    if first["type"] == "missing":
        return RequirementError("missing_field", field=field, value="", example=_example(field))
    value = wishes.get(field, first["input"])
    if first["type"] == "country":
        near = _nearest_countries(str(value)) or ["CN", "DE", "US"]
        return RequirementError("country", field=field, value=_shown(value), known=", ".join(near))
    return RequirementError("field", field=field, value=_shown(value), must=must(field))


def _nearest_countries(text: str) -> list[str]:
    """Codes whose code or name, in any language, is most like a text."""
    names = {name.casefold(): c.iso for c in countries().values() for name in (c.iso, c.name_en, c.name_zh)}
    near = get_close_matches(text.casefold(), names, n=3, cutoff=0.5)
    return list(dict.fromkeys(names[name] for name in near))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _example(field: str) -> str:
    return {"model": 'model="resnet50"', "qps": "qps=50", "country": 'country="CN"'}.get(field, field)


def must(field: str) -> str:
    """What a field takes, in symbols that need no language."""
    if bounds := settings()["bounds"].get(field):
        low = f"> {bounds['above']}" if "above" in bounds else f">= {bounds['least']}"
        return f"{low}, <= {bounds['most']:g}"
    choices = {
        "data": DataScope,
        "providers": Provider,
        "precisions": Precision,
        "skills": Skills,
        "priorities": Priority,
    }
    if field in choices:
        names = " | ".join(get_args(choices[field]))
        return f"{names} = {must('weight')}" if field == "priorities" else names
    return {
        "offline": "True | False",
        "internet": "good | poor | none",
        "as_of": "YYYY-MM-DD",
        "model": "resnet50 | model.onnx | ModelSpec(...)",
    }.get(field, field)
