"""data/ -> Knowledge: every record and table, typed and frozen."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import ValidationError

from advisor import own_prices
from advisor.claims import Record
from advisor.errors import Problem, RecordError
from advisor.paths import DATA
from advisor.record_words import problems_of, toml_problem
from advisor.schema import FAMILIES, Device, Model, Rule, Server
from advisor.system_records import Family, System

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=Record)

OFFER_COLUMNS = (
    "service",
    "instance_type",
    "region",
    "vcpu",
    "memory_gb",
    "accelerator",
    "accelerator_count",
    "accelerator_memory_gb",
    "usd_per_hour",
    "since",
    "source",
)
TOKEN_PRICES = ("input", "output", "cached_input")
HERE = "this-machine"
"""Id of the machine in front of the user, once it is measured."""


class Country(NamedTuple):
    """A country as the network sees it."""

    iso: str
    name_en: str
    name_zh: str
    lat: float
    lon: float


@cache
def countries(folder: Path = DATA) -> Mapping[str, Country]:
    """Countries by ISO code."""
    with (folder / "countries.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return {r["iso"]: Country(r["iso"], r["name_en"], r["name_zh"], float(r["lat"]), float(r["lon"])) for r in rows}


@dataclass(frozen=True)
class Knowledge:
    """Everything that the product knows, by folder.

    Parameters
    ----------
    folder : Path
        Folder in the layout of ``data/``.
    prices : Path, optional
        A user's own price file that fills or overrides prices, see :mod:`advisor.own_prices`.
    """

    folder: Path = DATA
    prices: Path | None = None
    own: tuple[Device | Server, ...] = ()
    """The user's own hardware besides that of the folder."""
    _kept: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def systems(self) -> Mapping[str, System]:
        """Platforms and engines by id."""
        return _records(self.folder / "systems", System)

    @cached_property
    def families(self) -> Mapping[str, Family]:
        """The six families by id, in the order in which a stack is given its first one."""
        records = _records(self.folder / "families", Family)
        return {family: records[family] for family in FAMILIES if family in records}

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Reference models by id."""
        return _records(self.folder / "models", Model)

    @cached_property
    def devices(self) -> Mapping[str, Device]:
        """Hardware by id."""
        return _records(self.folder / "devices", Device) | {one.id: one for one in self.own if isinstance(one, Device)}

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """Own machines by id."""
        return _records(self.folder / "servers", Server) | {one.id: one for one in self.own if isinstance(one, Server)}

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """Rules by id."""
        return _records(self.folder / "rules", Rule)

    @cached_property
    def regions(self) -> "pd.DataFrame":
        """Regions of the providers with country, position and carbon intensity."""
        import pandas as pd

        return pd.read_csv(self.folder / "regions.csv", keep_default_na=False, na_values={"lat": "", "lon": ""})

    @cached_property
    def serverless(self) -> "pd.DataFrame":
        """Terms of functions and serverless containers."""
        import pandas as pd

        return pd.read_csv(self.folder / "serverless.csv")

    @cached_property
    def services(self) -> "pd.DataFrame":
        """Prices of what a cloud bills beside the machine; a region of "" = those without a row of their own."""
        listed = _priced(self.folder / "services.csv", "usd")
        return own_prices.services(listed, self._own_prices)

    @cached_property
    def egress(self) -> "pd.DataFrame":
        """Tiers of traffic to the internet; a region of "" = those without a row of their own."""
        numbers = ("from_gb", "to_gb", "usd_per_gb", "free_gb_month", "inter_region_usd_per_gb")
        return own_prices.egress(_priced(self.folder / "egress.csv", *numbers), self._own_prices)

    @cached_property
    def _own_prices(self) -> Sequence[own_prices.OwnPrice]:
        """Rows of the user's own price file."""
        return () if self.prices is None else own_prices.read(self.prices, self.table("services")["units"])

    @cached_property
    def plans(self) -> "pd.DataFrame":
        """Price plans besides on-demand and spot; a region of "" = those without a row of their own."""
        return _priced(self.folder / "plans.csv", "usd_per_hour", "discount", "upfront_share")

    @cached_property
    def tokens(self) -> "pd.DataFrame":
        """Prices of hosted language models, by the day from which each holds."""
        return _priced(self.folder / "tokens.csv.gz", *(f"{name}_usd_per_mtok" for name in TOKEN_PRICES))

    @cached_property
    def cold_starts(self) -> "pd.DataFrame":
        """Published cold starts, a row a figure."""
        return _priced(self.folder / "cold_starts.csv", "package_mb", "memory_mb", "seconds", "n")

    @cached_property
    def offers(self) -> "pd.DataFrame":
        """Priced machine types of every provider, each joined to its device and its trait; unknown prices are NaN."""
        return _offers(self)

    def with_own(self, *hardware: Device | Server) -> "Knowledge":
        """The same with hardware of the user's own; what does not depend on hardware is not read again."""
        other = replace(self, own=(*self.own, *hardware), _kept={})
        tables = ("regions", "serverless", "services", "egress", "plans", "tokens", "cold_starts", "offers")
        shared = ("systems", "families", "models", "rules", *tables)
        vars(other).update({name: vars(self)[name] for name in shared if name in vars(self)})
        return other

    @property
    def calibrated(self) -> str:
        """Date of the packed calibration of the latency model."""
        return str(self.table("calibrations/latency")["dated"])

    def table(self, name: str) -> Mapping[str, Any]:
        """A TOML table at the top of the data folder, such as ``costs`` or ``network``."""
        made: Mapping[str, Any] = self.kept(("table", name), lambda: read_table(self.folder / f"{name}.toml"))
        return made

    def kept(self, key: object, make: Any) -> Any:
        """Something derived from this knowledge, made once and kept with it."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


@cache
def load(prices: str | Path | None = None) -> Knowledge:
    """The packed knowledge, with a user's own prices where given."""
    return Knowledge(prices=None if prices is None else Path(prices))


def read_table(path: Path) -> Mapping[str, Any]:
    """A TOML file as it stands."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _records(folder: Path, kind: type[R]) -> dict[str, R]:
    return {path.stem: read_record(path, kind) for path in sorted(folder.glob("*.toml"))}


def read_record(path: Path, kind: type[R]) -> R:
    """One record, its file name checked against its id.

    Raises
    ------
    RecordError
        If the file is no TOML, breaks its class, or is not named after its id.
    """
    try:
        record = kind(**toml_of(path))
    except ValidationError as error:
        raise _record_error(path, problems_of(error, kind)[0]) from None
    if record.id != path.stem:
        raise _record_error(path, Problem("id", "named", {"value": record.id, "file": path.name}))
    return record


def toml_of(path: Path) -> dict[str, Any]:
    """Content of a record.

    Raises
    ------
    RecordError
        If the file is no TOML in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _record_error(path, Problem("", "encoding", {})) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _record_error(path, toml_problem(text, error)) from None


def _record_error(path: Path, problem: Problem) -> RecordError:
    return RecordError("record", file=path.name, field=problem.field or "TOML", reason=problem)


def _priced(path: Path, *numbers: str) -> "pd.DataFrame":
    """A table of text and numbers; an unknown number is NaN, an empty text stays empty."""
    import pandas as pd

    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})


def _offers(knowledge: Knowledge) -> "pd.DataFrame":
    import pandas as pd

    from advisor.joins import device_of_offers, trait_of_offers

    text = ["service", "instance_type", "region", "accelerator", "since", "source"]
    parts = [
        pd.read_csv(
            path,
            usecols=list(OFFER_COLUMNS),
            dtype=dict.fromkeys(text, "str"),
            keep_default_na=False,
            na_values={c: "" for c in OFFER_COLUMNS if c not in text},
        ).assign(provider=path.name.removesuffix(".csv.gz"))
        for path in sorted((knowledge.folder / "offers").glob("*.csv.gz"))
    ]
    offers = pd.concat(parts, ignore_index=True).assign(own=False)
    offers = own_prices.machines(offers, knowledge._own_prices)
    traits = tomllib.loads((knowledge.folder / "offers" / "traits.toml").read_text(encoding="utf-8"))["traits"]
    joined = offers.assign(device=device_of_offers(offers, knowledge.devices), trait=trait_of_offers(offers, traits))
    return joined.astype(dict.fromkeys([*text, "provider"], "category"))
