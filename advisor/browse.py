"""The knowledge as people browse it: families and systems with prices, limits, sources, and where they win."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.claims import Record, Source
from advisor.explain import name_of
from advisor.knowledge import Knowledge
from advisor.numbers import number, quantity_text
from advisor.pipeline import advise
from advisor.presets import presets
from advisor.system_records import System
from advisor.systems import families_of_system
from advisor.text import sentence

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("platform", "engine", "hardware", "tool", "old-name")
ASPECTS = (
    "kind",
    "families",
    "summary",
    "strengths",
    "weaknesses",
    "scenarios",
    "limits",
    "skills",
    "launch",
    "scaling",
    "people",
    "price",
    "wins",
    "status",
)
_PLACES = 3
"""Ranks that count as a win."""


@dataclass(frozen=True)
class PriceFrom:
    """Lowest known price of a system, and how many prices are known."""

    usd: float
    unit: str
    """hour, board, machine or million-calls."""
    of: str
    """Machine type, board or terms that it is the price of."""
    dated: str
    count: int


def kind_of(system: System) -> str:
    """What a system is in a stack."""
    for kind in KINDS[:-1]:
        if getattr(system, kind):
            return kind
    return KINDS[-1]


def chosen_systems(
    knowledge: Knowledge, *, kind: str | None = None, family: str | None = None, words: str = ""
) -> list[System]:
    """Systems of a kind and a family whose names or texts, in any language, hold all the words; names come first."""
    wanted = words.casefold().split()
    found = [
        system
        for system in knowledge.systems.values()
        if (kind is None or kind_of(system) == kind)
        and (family is None or family in families_of_system(system))
        and all(word in _all_text(system) for word in wanted)
    ]
    return sorted(found, key=lambda system: not all(word in _names(system) for word in wanted))


def _names(system: System) -> str:
    return "\n".join([system.id, system.name, system.name_zh or "", *system.aliases]).casefold()


def _all_text(system: System) -> str:
    points = [*system.strengths, *system.weaknesses, *system.scenarios]
    texts = [system.summary, *points]
    return "\n".join([_names(system), *(text for said in texts for text in (said.en, said.zh))]).casefold()


def systems_table(knowledge: Knowledge, systems: Sequence[System], lang: str) -> "pd.DataFrame":
    """One row a system: what it is, its families, the skills it takes, its lowest price and where it wins."""
    import pandas as pd

    columns = ("system", "kind", "families", "skills", "price", "wins", "status")
    rows = [{"system": name_of(system, lang)} | _short(knowledge, system, lang) for system in systems]
    table = pd.DataFrame(rows, columns=list(columns))
    return table.rename(columns={name: sentence(f"browse.{name}", lang) for name in columns})


def _short(knowledge: Knowledge, system: System, lang: str) -> dict[str, str]:
    joiner, none = sentence("report.joiner", lang), sentence("value.none", lang)
    aspects = ("kind", "families", "skills", "price", "wins", "status")
    return {name: joiner.join(aspect(knowledge, system, name, lang)) or none for name in aspects}


def aspect(knowledge: Knowledge, system: System, name: str, lang: str) -> list[str]:
    """What is known of one aspect of a system, in sentences; empty where nothing is."""
    if name in ("strengths", "weaknesses", "scenarios"):
        return [getattr(point, lang) for point in getattr(system, name)]
    makers: dict[str, Callable[[], list[str]]] = {
        "kind": lambda: [sentence(f"browse_kind.{kind_of(system)}", lang)],
        "families": lambda: [sentence(f"family.{family}", lang) for family in families_of_system(system)],
        "summary": lambda: [getattr(system.summary, lang)],
        "limits": lambda: list(_limits(knowledge, system, lang)),
        "skills": lambda: [sentence(f"skill.{system.skills}", lang)] if system.skills else [],
        "launch": lambda: list(_terms(system, "launch", lang)),
        "scaling": lambda: list(_terms(system, "scaling", lang)),
        "people": lambda: list(_terms(system, "people", lang)),
        "price": lambda: price_lines(knowledge, system, lang),
        "wins": lambda: [getattr(presets()[name].name, lang) for name in wins(knowledge).get(system.id, ())],
        "status": lambda: list(_status(knowledge, system, lang)),
    }
    return makers[name]()


def _limits(knowledge: Knowledge, system: System, lang: str) -> Iterator[str]:
    for bound in system.limits:
        yield sentence("browse.limit", lang, name=getattr(bound, lang), value=bound.value)
    rows = knowledge.serverless
    terms = system.platform
    if terms and terms.operation == "serverless":
        mine = rows[(rows["provider"] == terms.provider) & rows["service"].isin(terms.services)]
        for column in ("timeout_s", "max_memory_mb", "max_image_mb", "max_payload_mb"):
            if mine[column].notna().any():
                value = f"{mine[column].max():,.0f}"
                yield sentence(f"browse.{column}", lang, value=value)


def _terms(system: System, name: str, lang: str) -> Iterator[str]:
    terms = system.platform
    if terms is None:
        return
    if name == "launch":
        yield quantity_text(terms.launch_days, "workdays", lang)
    elif name == "people":
        fixed, each = number(terms.hours_fixed_month), number(terms.hours_per_machine_month)
        yield sentence("browse.people_line", lang, fixed=fixed, each=each)
    elif terms.scale is not None:
        yield quantity_text(terms.scale, "s", lang)


def _status(knowledge: Knowledge, system: System, lang: str) -> Iterator[str]:
    yield sentence(f"browse.{system.status}", lang)
    heir = knowledge.systems.get(system.successor or "")
    if heir:
        yield sentence("browse.successor", lang, name=name_of(heir, lang))


def price_lines(knowledge: Knowledge, system: System, lang: str) -> list[str]:
    """Lowest known prices in words; the words for an unknown price where there is none, never 0."""
    if system.engine or system.tool or system.part is None:
        return []
    found = prices_from(knowledge, system)
    if not found:
        return [sentence("value.unknown_price", lang)]
    return [
        sentence(
            f"browse.price_{one.unit}", lang, usd=number(one.usd), of=one.of, dated=one.dated, count=number(one.count)
        )
        for one in found
    ]


def prices_from(knowledge: Knowledge, system: System) -> list[PriceFrom]:
    """Lowest known price of what a system runs on: machines by the hour, calls by the million, boards, servers."""
    made: list[PriceFrom] = knowledge.kept(("prices", system.id), lambda: _prices_from(knowledge, system))
    return made


def _prices_from(knowledge: Knowledge, system: System) -> list[PriceFrom]:
    terms = system.platform
    if terms is None:
        boards = [knowledge.devices[name] for name in system.hardware.devices] if system.hardware else []
        return _records_from(boards, "board")
    if terms.site == "device":
        return _records_from(list(knowledge.devices.values()), "board")
    if terms.site == "on-premises":
        return _records_from(list(knowledge.servers.values()), "machine")
    if terms.operation == "serverless":
        return _calls_from(knowledge, system)
    offers = knowledge.offers
    mine = offers[(offers["provider"] == terms.provider) & offers["service"].isin(terms.services)]
    mine = mine[mine["usd_per_hour"].notna() & mine["trait"].isna()]
    found = []
    for group in (mine[mine["accelerator"] == ""], mine[mine["accelerator"] != ""]):
        if len(group):
            row = group.nsmallest(1, "usd_per_hour").to_dict("records")[0]
            of = " · ".join(part for part in (row["instance_type"], row["accelerator"], row["region"]) if part)
            found.append(PriceFrom(float(row["usd_per_hour"]), "hour", of, str(row["since"]), len(group)))
    return found


def _calls_from(knowledge: Knowledge, system: System) -> list[PriceFrom]:
    terms, rows = system.platform, knowledge.serverless
    if terms is None:
        return []
    mine = rows[(rows["provider"] == terms.provider) & rows["service"].isin(terms.services)]
    mine = mine[mine["usd_per_million_requests"].notna()]
    if mine.empty:
        return []
    row = mine.nsmallest(1, "usd_per_million_requests").to_dict("records")[0]
    usd, place = float(row["usd_per_million_requests"]), f"{row['variant']}, {row['region']}"
    return [PriceFrom(usd, "million-calls", place, str(row["dated"]), len(mine))]


def _records_from(records: Sequence[Record], unit: str) -> list[PriceFrom]:
    priced = []
    for record in records:
        usd = getattr(getattr(record, "board", record), "price", None)
        if usd is not None:
            facts = {"board.price", "board"} if unit == "board" else {"price"}
            dated = next((str(claim.dated) for claim in record.claims if facts & {*claim.fields}), "")
            priced.append((usd, str(getattr(record, "name", record.id)), dated))
    if not priced:
        return []
    usd, name, dated = min(priced)
    return [PriceFrom(usd, unit, name, dated, len(priced))]


def wins(knowledge: Knowledge) -> Mapping[str, tuple[str, ...]]:
    """Presets in whose first three stacks each system stands, by id of the system; asked once and kept."""
    made: Mapping[str, tuple[str, ...]] = knowledge.kept("wins", lambda: _wins(knowledge))
    return made


def _wins(knowledge: Knowledge) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, preset in presets().items():
        first = advise(preset.asked(), knowledge).shortlist[:_PLACES]
        for system in dict.fromkeys(system for option in first for system in option.systems):
            found.setdefault(system, []).append(name)
    return {system: tuple(names) for system, names in found.items()}


def sources_of(system: System) -> list[Source]:
    """Sources of a system, each once."""
    return list({(source.title, source.url): source for source in system.sources}.values())


def families_aspects(knowledge: Knowledge, family: str, name: str, lang: str) -> list[str]:
    """Summary, strengths, weaknesses or scenarios of a family in sentences, or its systems."""
    record = knowledge.families[family]
    if name == "summary":
        return [getattr(record.summary, lang)]
    if name == "systems":
        mine = [system for system in knowledge.systems.values() if family in families_of_system(system)]
        return [sentence("page.comma", lang).join(name_of(system, lang) for system in mine)]
    return [getattr(point, lang) for point in getattr(record, name)]
