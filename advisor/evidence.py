"""Where every fact behind an answer comes from: prices, calibration, records, tables, each sourced or an estimate."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from advisor.billed import country_of
from advisor.bills import Basis, basis_of
from advisor.claims import Record, Source
from advisor.document import Evidence
from advisor.draw import pue_terms
from advisor.evaluation import Evaluation
from advisor.knowledge import Knowledge
from advisor.lines import MAIN, USED
from advisor.money import USD
from advisor.plans import plans_of
from advisor.results import Option
from advisor.schema import Model, Server
from advisor.tariffs import ITEMS, Tariffs

_OWN_COSTS = ("pue", "life", "maintenance", "space", "spare", "install")
_EVERY_TABLE = ("network", "serving", "ranking")


def evidence_of(evaluation: Evaluation, options: Sequence[Option]) -> tuple[Evidence, ...]:
    """Sources and estimates behind some options, without repetition, in the order of a report's last pages."""
    ev = evaluation
    knowledge = ev.knowledge
    lines = [
        *_prices(ev, options),
        *_latency(ev),
        *_of_records("model", [model for model in knowledge.models.values() if _is_asked(model, ev)]),
        *_of_records("system", _named(knowledge.systems, (name for option in options for name in option.systems))),
        *_of_records("hardware", _named(knowledge.devices, (option.device for option in options))),
        *_of_records("hardware", _servers(ev, options)),
        *_tables(ev, options),
    ]
    return tuple(dict.fromkeys(lines))


def _is_asked(model: Model, evaluation: Evaluation) -> bool:
    spec = evaluation.asking.spec
    return spec.basis == "catalogue" and model.name == spec.name


def _named(records: Mapping[str, Any], ids: Iterator[str]) -> list[Record]:
    return [records[name] for name in dict.fromkeys(ids) if name in records]


def _servers(evaluation: Evaluation, options: Sequence[Option]) -> list[Record]:
    """Own servers: the third part of an option's id is their record."""
    servers = evaluation.knowledge.servers
    names = (option.id.split("/")[2] for option in options if option.site == "on-premises")
    return _named(servers, names)


def _prices(evaluation: Evaluation, options: Sequence[Option]) -> Iterator[Evidence]:
    """Prices of machines and functions, of what is billed beside them, and of other plans of the first choice."""
    tariffs = evaluation.ledger.tariffs
    for option in options:
        if option.site != "cloud":
            continue
        market = tariffs.places.index((option.provider, option.region))
        home = "serverless" if option.operation == "serverless" else f"offers/{option.provider}"
        tier = 0
        for line in option.bill:
            if line.item in (*MAIN, *USED) and line.usd_per_month is not None:
                yield _price(option, "price", line.basis, line.source, line.dated, home)
            elif line.item in ITEMS or line.item == "egress":
                yield from _beside(option, tariffs, market, line.item, tier)
                tier += line.item == "egress"
    for plan in plans_of(options[0], evaluation.knowledge)[1:] if options else ():
        home = f"offers/{options[0].provider}" if plan.code == "spot" else "plans"
        yield _price(options[0], "plan", "sourced", plan.source, plan.dated, home)


def _beside(option: Option, tariffs: Tariffs, market: int, item: str, tier: int) -> Iterator[Evidence]:
    """Price of what a cloud bills beside the machine; the note of a row tells how an estimate was arrived at."""
    egress = item == "egress"
    row = tariffs.row(item, tier, market)
    if row is not None:
        basis = basis_of(row)
        title = row["note"] or row["source"] if basis == "estimate" and not egress else row["source"]
        yield _price(option, item, basis, str(title), str(row["dated"]), "egress" if egress else "services")


def _price(option: Option, fact: str, basis: Basis, title: str, dated: str, home: str) -> Evidence:
    return Evidence("price", option.provider, None, (fact,), basis, title, None, dated, home)


def _latency(evaluation: Evaluation) -> Iterator[Evidence]:
    knowledge = evaluation.knowledge
    table = knowledge.table("calibrations/latency")
    home, facts = "calibrations/latency", ("latency", "interval")
    yield Evidence("latency", "", None, facts, "sourced", table["title"], None, str(table["dated"]), home)


def _of_records(kind: Literal["hardware", "system", "model"], records: Sequence[Record]) -> Iterator[Evidence]:
    folder = {"system": "systems", "model": "models"}
    for record in records:
        home = f"{folder.get(kind, 'servers' if isinstance(record, Server) else 'devices')}/{record.id}"
        name, name_zh = str(getattr(record, "name", record.id)), getattr(record, "name_zh", None)
        for claim in record.claims:
            facts = tuple(dict.fromkeys(_last(field) for field in claim.fields))
            if isinstance(claim, Source):
                yield Evidence(kind, name, name_zh, facts, "sourced", claim.title, claim.url, claim.dated, home)
            else:
                yield Evidence(kind, name, name_zh, facts, "estimate", claim.method, None, str(claim.dated), home)


def _last(field: str) -> str:
    """Word of a fact: the last part of its name, the family of figures for peaks and architectures."""
    parts = field.split(".")
    return next((part for part in parts if part in ("peak", "architectures")), parts[-1])


def _tables(evaluation: Evaluation, options: Sequence[Option]) -> Iterator[Evidence]:
    knowledge = evaluation.knowledge
    for name in _EVERY_TABLE:
        table = knowledge.table(name)
        head = table.get("source", table)
        yield _table(name, (name,), head.get("title") or head.get("method"), head["dated"], estimate=True)
    yield from _of_bills(knowledge, options, evaluation.asking.asked.country)
    if any(option.site != "cloud" for option in options):
        costs, tariffs = knowledge.table("costs"), knowledge.table("costs")["electricity"]
        tariff = tariffs.get(evaluation.asking.asked.country, tariffs["default"])
        for fact, entry in (("electricity", tariff), *((name, costs[name]) for name in _OWN_COSTS)):
            yield _table("costs", (fact,), entry["source"], entry["dated"], estimate=entry.get("estimate", False))
    yield from _energy(knowledge, options)
    if any(option.cold for option in options):
        for claim in knowledge.table("serverless")["estimates"]:
            yield _table("serverless", tuple(claim["fields"]), claim["method"], claim["dated"], estimate=True)


def _of_bills(knowledge: Knowledge, options: Sequence[Option], country: str) -> Iterator[Evidence]:
    """What people's time, responses and currencies are reckoned with, and what each way of running is billed for."""
    if not options:
        return
    people, currencies = knowledge.table("people"), knowledge.table("currency")
    wages = [("wages", entry) for entry in people["skills"].values()]
    for fact, entry in (*wages, ("overhead", people["overhead"]), ("countries", country_of(people, country))):
        yield _table("people", (fact,), entry["source"], entry["dated"], estimate=entry["basis"] == "estimate")
    for code, entry in currencies.items():
        if code != USD:
            yield _table("currency", ("currency",), entry["source"], entry["dated"], estimate=False)
    for name, fact in (("billing", "billing"), ("responses", "responses")):
        for claim in knowledge.table(name).get("estimates", ()):
            yield _table(name, (fact,), claim["method"], claim["dated"], estimate=True)


def _energy(knowledge: Knowledge, options: Sequence[Option]) -> Iterator[Evidence]:
    """What the energy and carbon of some options rest on."""
    energy = knowledge.table("energy")
    for kind, text in (("sources", "title"), ("estimates", "method")):
        for claim in energy[kind]:
            facts = tuple(dict.fromkeys(field.partition(".")[0] for field in claim["fields"]))
            yield _table("energy", facts, claim[text], claim["dated"], estimate=kind == "estimates")
    clouds = dict.fromkeys(option.provider for option in options if option.site == "cloud")
    terms = [("pue", pue_terms(energy, provider)) for provider in clouds]
    for fact, entry in (*terms, *(("intensity", entry) for entry in energy["intensity"].values())):
        yield _table("energy", (fact,), entry["source"], entry["dated"], estimate=entry.get("estimate", False))
    for claim in knowledge.table("regions")["sources"]:
        if "carbon_gco2_per_kwh" in claim["fields"]:
            yield _table("regions", ("intensity",), claim["title"], claim["dated"], estimate=False)


def _table(home: str, facts: tuple[str, ...], title: str, dated: object, *, estimate: bool) -> Evidence:
    return Evidence("table", "", None, facts, "estimate" if estimate else "sourced", title, None, str(dated), home)
