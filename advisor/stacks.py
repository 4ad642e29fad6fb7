"""Enumerate candidates from the knowledge: machine x platform x engine x precision, as columns."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

import numpy as np

from advisor.columns import CLOUD, FUNCTION, PLACE, SHAPES, IntArray, ServiceClass, Stacks
from advisor.knowledge import HERE, Knowledge
from advisor.machines import Machines, machines
from advisor.schema import Device, Precision
from advisor.system_records import Engine, Platform, System


def stacks(knowledge: Knowledge, *, family: str, precisions: tuple[Precision, ...]) -> Stacks:
    """Every stack that can run a model family; made once per family and kept.

    Where an engine runs a device in none of the precisions, it stands there with the first that it offers, for the
    rule on precisions to stop.
    """
    found: Stacks = knowledge.kept(("stacks", family, precisions), lambda: _enumerated(knowledge, family, precisions))
    return found


def _enumerated(knowledge: Knowledge, family: str, precisions: tuple[Precision, ...]) -> Stacks:
    rows = machines(knowledge)
    devices = tuple(knowledge.devices.values())
    platforms = tuple(s for s in knowledge.systems.values() if s.platform and s.status == "current")
    engines = {s.id: s for s in knowledge.systems.values() if s.engine and family in s.engine.families}
    hosts = _platforms_by_service(platforms)
    classes: dict[ServiceClass, int] = {}
    runs: list[tuple[IntArray, int]] = []
    blocks: list[tuple[int, int, int]] = []
    run_count = 0
    for (device, service), members in _groups(rows):
        for engine in engines.values():
            hosted = [
                p for p in hosts.get(service, ()) if _hosts(platforms[p].platform, engine.engine, devices[device])
            ]
            for precision in _runs(engine.engine, devices[device], precisions) if hosted else ():
                key = ServiceClass(devices[device].id, engine.id, precision)
                runs.append((members, classes.setdefault(key, len(classes))))
                blocks.extend((run_count, len(members), platform) for platform in hosted)
                run_count += len(members)
    sizes = np.array([size for _, size, _ in blocks], np.int32)
    empty, few = [np.zeros(0, np.int32)], np.min_scalar_type(len(platforms))
    run_machine = np.concatenate(empty + [members for members, _ in runs])
    traffic = np.where(rows.terms >= 0, FUNCTION, np.where(rows.site == 0, CLOUD, PLACE)).astype(np.int8)
    largest = np.maximum(np.searchsorted(SHAPES, rows.units, side="right") - 1, 0).astype(np.int8)
    return Stacks(
        machines=rows,
        devices=devices,
        platforms=platforms,
        engines=engines,
        classes=tuple(classes),
        run_machine=run_machine,
        run_traffic=traffic[run_machine],
        run_largest=largest[run_machine],
        run_class=np.concatenate(empty + [np.full(len(members), klass, np.int32) for members, klass in runs]),
        run=np.concatenate(empty + [np.arange(first, first + size, dtype=np.int32) for first, size, _ in blocks]),
        platform=np.concatenate([np.zeros(0, few), *(np.full(size, platform, few) for _, size, platform in blocks)]),
        block_start=(np.cumsum(sizes, dtype=np.int32) - sizes),
    )


def only(found: Stacks, candidates: IntArray) -> Stacks:
    """Some candidates of an enumeration, each a block of its own, so that a question to them takes milliseconds."""
    runs, run = np.unique(found.run[candidates], return_inverse=True)
    rows, machine = np.unique(found.run_machine[runs], return_inverse=True)
    kinds, klass = np.unique(found.run_class[runs], return_inverse=True)
    return replace(
        found,
        machines=_some(found.machines, rows),
        classes=tuple(found.classes[kind] for kind in kinds),
        run_machine=machine.astype(np.int32),
        run_traffic=found.run_traffic[runs],
        run_largest=found.run_largest[runs],
        run_class=klass.astype(np.int32),
        run=run.astype(np.int32),
        platform=found.platform[candidates],
        block_start=np.arange(len(candidates), dtype=np.int32),
    )


def _some(machines: Machines, rows: IntArray) -> Machines:
    """Some of the machines."""
    columns = {one.name: getattr(machines, one.name) for one in fields(machines) if one.name != "traits"}
    traits = {name: column[rows] for name, column in machines.traits.items()}
    return Machines(**{name: column[rows] for name, column in columns.items()}, traits=traits)


def _platforms_by_service(platforms: Sequence[System]) -> dict[str, list[int]]:
    hosts: dict[str, list[int]] = {}
    for index, system in enumerate(platforms):
        terms = system.platform
        for service in terms.services if terms else ():
            hosts.setdefault(f"{terms.provider or ''}/{service}", []).append(index)  # type: ignore[union-attr]
    return hosts


def _hosts(platform: Platform | None, engine: Engine | None, device: Device) -> bool:
    """Whether a platform runs an engine so, and its machines have room for both."""
    if platform is None or engine is None or platform.operation not in engine.operations:
        return False
    needs = (platform.machine_memory or 0.0) + engine.memory_overhead
    return platform.machine_memory is None or device.board is None or device.board.memory >= needs


def _groups(rows: Machines) -> Iterable[tuple[tuple[int, str], IntArray]]:
    services = rows.provider.astype(str) + np.full(len(rows), "/") + rows.service.astype(str)
    names, codes = np.unique(services, return_inverse=True)
    joined = np.flatnonzero(rows.device >= 0)
    keys = rows.device[joined] * len(names) + codes[joined]
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(keys[order]) != 0])
    for members in np.split(joined[order], starts[1:]) if len(order) else ():
        yield (int(rows.device[members[0]]), str(names[codes[members[0]]])), members.astype(np.int32)


def _runs(engine: Engine | None, device: Device, precisions: tuple[Precision, ...]) -> list[Precision]:
    """Precisions in which an engine runs on a device, of those asked for, else the first at all.

    Floats need a rate of the device, integers run anywhere but on the user's machine, which answers in what it was
    measured in.
    """
    if engine is None or (engine.kinds and device.kind not in engine.kinds):
        return []
    offered = [
        p
        for p in engine.architectures.get(device.architecture, ())
        if p in device.peak or (p in ("int8", "int4") and device.id != HERE)
    ]
    return [p for p in precisions if p in offered] or offered[:1]
