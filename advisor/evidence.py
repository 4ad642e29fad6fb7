"""Where every fact behind an answer comes from: prices, calibration, records, tables, each sourced or an estimate."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from advisor.claims import Record, Source
from advisor.document import Evidence
from advisor.evaluation import Evaluation
from advisor.results import Option
from advisor.schema import Model, Server

_OWN_COSTS = ("pue", "life", "maintenance", "space", "spare", "install")
_EVERY_TABLE = ("network", "serving", "ranking")


def evidence_of(evaluation: Evaluation, options: Sequence[Option]) -> tuple[Evidence, ...]:
    """Sources and estimates behind some options, without repetition, in the order of a report's last pages."""
    ev = evaluation
    knowledge = ev.knowledge
    lines = [
        *_prices(options),
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


def _prices(options: Sequence[Option]) -> Iterator[Evidence]:
    for option in options:
        for line in option.bill:
            if option.site == "cloud" and line.usd_per_month is not None and line.item != "platform":
                home = "serverless" if line.item in ("functions", "provisioned") else f"offers/{option.provider}"
                yield Evidence(
                    "price", option.provider, None, ("price",), line.basis, line.source, None, line.dated, home
                )


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
    if any(option.site != "cloud" for option in options):
        costs, tariffs = knowledge.table("costs"), knowledge.table("costs")["electricity"]
        tariff = tariffs.get(evaluation.asking.asked.country, tariffs["default"])
        for fact, entry in (("electricity", tariff), *((name, costs[name]) for name in _OWN_COSTS)):
            yield _table("costs", (fact,), entry["source"], entry["dated"], estimate=entry.get("estimate", False))
    if any(option.cold for option in options):
        for claim in knowledge.table("serverless")["estimates"]:
            yield _table("serverless", tuple(claim["fields"]), claim["method"], claim["dated"], estimate=True)


def _table(home: str, facts: tuple[str, ...], title: str, dated: object, *, estimate: bool) -> Evidence:
    return Evidence("table", "", None, facts, "estimate" if estimate else "sourced", title, None, str(dated), home)
