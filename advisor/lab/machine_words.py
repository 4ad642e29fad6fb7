"""A machine and what it attains, in words and as JSON: what it is, what it has, what could not be told."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from advisor.lab.hardware import Accelerator, Cache
from advisor.lab.machine import Machine
from advisor.lab.probing import Probe, Rate
from advisor.lab.settings import settings
from advisor.numbers import number
from advisor.text import preferred_language, sentence
from advisor.units import BILLION, BYTES_PER_GB, BYTES_PER_MB, KIB

_MAY_BE_UNTOLD = ("cores", "instructions", "caches", "virtual", "board", "governor", "load_1min", "onnxruntime")
_UNITS = {"fp32_flop_per_s": "GFLOP/s", "int8_flop_per_s": "GOP/s", "bytes_per_s": "GB/s", "read_bytes_per_s": "GB/s"}

Rows = list[tuple[str, str]]
"""Labels and values."""


def machine_words(machine: Machine, dated: str, names: Sequence[str] = (), lang: str | None = None) -> str:
    """Lines about a machine: what it is, what it has, what its system does not tell.

    Parameters
    ----------
    machine : Machine
    dated : str
        When it was read, UTC, ISO 8601.
    names : sequence of str
        What the catalogue calls the devices that it is or holds.
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    lines = [sentence("machine.title", lang, dated=dated), *_lines(machine_rows(machine, names, lang), lang)]
    untold = machine_untold(machine, lang)
    return "\n".join([*lines, *([sentence("machine.untold", lang, names=_listed(untold, lang))] if untold else [])])


def machine_rows(machine: Machine, names: Sequence[str] = (), lang: str | None = None) -> Rows:
    """Table of a machine: label and value of everything that its system tells."""
    lang = lang or preferred_language()
    own = machine.accelerators
    values = {
        "cpu": machine.cpu,
        "cores": _cores(machine, lang),
        "instructions": " ".join(machine.instructions),
        "caches": _listed([_cache(cache, lang) for cache in machine.caches], lang),
        "memory": _memory(machine, lang),
        "virtual": "" if machine.virtual is None else sentence(f"machine.virtual.{machine.virtual}".lower(), lang),
        "board": machine.board or "",
        "accelerators": "\n  ".join(_accelerator(one, lang) for one in own) or sentence("machine.none_found", lang),
        "system": machine.system,
        "governor": machine.governor or "",
        "load_1min": "" if machine.load_1min is None else number(machine.load_1min),
        "onnxruntime": machine.onnxruntime or "",
        "catalogue": _listed(names, lang) or sentence("machine.not_listed", lang),
    }
    return [(sentence(f"machine.label.{name}", lang), value) for name, value in values.items() if value]


def machine_untold(machine: Machine, lang: str) -> list[str]:
    """Labels of what the system does not tell."""
    untold = [name for name in _MAY_BE_UNTOLD if getattr(machine, name) in (None, ())]
    return [sentence(f"machine.label.{name}", lang) for name in untold]


def probe_words(probed: Probe, lang: str | None = None) -> str:
    """Lines about what a machine attains, and what could not be measured on it."""
    lang = lang or preferred_language()
    title = sentence("machine.probe", lang, dated=probed.dated or "")
    return "\n".join([title, *_lines(probe_rows(probed, lang), lang), *probe_notes(probed, lang)])


def probe_rows(probed: Probe, lang: str | None = None) -> Rows:
    """Table of rates: of one thread, and of all together."""
    lang = lang or preferred_language()
    rows: Rows = []
    for threads, rates in ((1, probed), *((part.threads, part) for part in (probed.together,) if part)):
        for name, unit in _UNITS.items():
            rate = getattr(rates, name)
            if rate is not None:
                label = sentence(f"machine.rate.{name}", lang, threads=threads)
                rows.append((label, _rate(rate, unit, lang)))
    return rows


def probe_notes(probed: Probe, lang: str | None = None) -> list[str]:
    """What could not be measured, and what the figures do not mean."""
    lang = lang or preferred_language()
    machine, size = probed.machine, probed.buffer_bytes
    load, terms = machine.load_1min or 0.0, settings()["probe"]
    notes = {
        "busy": load > terms["busy_load"] * machine.usable_cpus,
        "one_thread": probed.together is None,
        "no_int8": probed.int8_flop_per_s is None,
        "small_buffers": size is not None and size < terms["copied_bytes"],
        "in_cache": bool(probed.in_cache),
        "caches_untold": probed.in_cache is None,
        "quota": machine.usable_cpus < 1,
    }
    words = {
        "size": "" if size is None else number(size / BYTES_PER_MB),
        "usable": number(machine.usable_cpus),
        "load": number(load),
    }
    return [sentence(f"machine.note.{name}", lang, **words) for name, holds in notes.items() if holds]


def machine_json(machine: Machine, dated: str, ids: Sequence[str] = (), probed: Probe | None = None) -> dict[str, Any]:
    """Machine, its devices in the catalogue and its rates in SI units, ready for JSON."""
    rates = None if probed is None else {name: value for name, value in asdict(probed).items() if name != "machine"}
    return {
        "format": "advisor/machine/1",
        "dated": dated,
        "machine": asdict(machine),
        "catalogue": list(ids),
        "probe": rates,
    }


def _cores(machine: Machine, lang: str) -> str:
    """Cores, processors and those that may be used, as far as they are told."""
    parts = {"sockets": machine.sockets, "cores": machine.cores, "logical": machine.logical_cpus}
    said = [sentence(f"machine.count.{name}", lang, count=count) for name, count in parts.items() if count is not None]
    return _listed([*said, sentence("machine.count.usable", lang, count=number(machine.usable_cpus))], lang)


def _cache(cache: Cache, lang: str) -> str:
    mib = cache.size_bytes / KIB**2
    size = f"{number(mib)} MiB" if mib >= 1 else f"{number(cache.size_bytes / KIB)} KiB"
    shared = sentence("machine.shared", lang, cpus=cache.cpus) if cache.cpus and cache.cpus > 1 else ""
    return f"{cache.name} {size}{shared}"


def _memory(machine: Machine, lang: str) -> str:
    whole = f"{number(machine.memory_bytes / BYTES_PER_GB)} GB"
    if machine.memory_limit_bytes is None:
        return whole
    limit = f"{number(machine.memory_limit_bytes / BYTES_PER_GB)} GB"
    return sentence("machine.memory_limited", lang, memory=whole, limit=limit)


def _accelerator(one: Accelerator, lang: str) -> str:
    memory = None if one.memory_bytes is None else f"{number(one.memory_bytes / BYTES_PER_GB)} GB"
    said = [f"{one.kind.upper()} {one.name}", memory, one.driver]
    if one.reachable is False:
        said.append(sentence("machine.unreachable", lang))
    return _listed([text for text in said if text], lang) + sentence("machine.source", lang, source=one.source)


def _rate(rate: Rate, unit: str, lang: str) -> str:
    figures = {"best": number(rate.best / BILLION), "median": number(rate.median / BILLION), "unit": unit}
    return sentence("machine.rate.value", lang, repeats=rate.repeats, **figures)


def _listed(texts: Sequence[str], lang: str) -> str:
    return sentence("machine.comma", lang).join(texts)


def _lines(rows: Rows, lang: str) -> list[str]:
    return [sentence("machine.row", lang, label=label, value=value) for label, value in rows]
