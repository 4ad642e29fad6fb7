"""What has to be right before a sweep begins or goes on, and what of it was kept."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from advisor.errors import MeasureError, UnknownIdError
from advisor.lab.jobs import job, within_bounds
from advisor.lab.machine import this_machine
from advisor.lab.settings import settings
from advisor.lab.store import Store
from advisor.lab.store_tables import machine_differences
from advisor.lab.sweep_plans import Place, Plan
from advisor.lab.sweep_results import Found, Sweep, sweep_of


def kept_sweep(store: Store, name: str) -> Sweep:
    """Sweep of a store by its name or id, with all that was kept of it.

    Raises
    ------
    UnknownIdError
        If there is no such sweep.
    """
    sweep_id, plan = known_plan(store, name)
    return sweep_of(sweep_id, plan, found_of(store, sweep_id), None)


def batches(wishes: Mapping[str, Any]) -> tuple[int, ...]:
    """Batch sizes that are wished for."""
    return _numbers("batch", wishes.get("batch", settings()["sweep"]["batch"]))


def _numbers(field: str, values: object) -> tuple[int, ...]:
    """Different numbers, in the order given."""
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise MeasureError("field", field=field, value=values, must="1, 2, 4 ...")
    for value in values:
        within_bounds(field, value)
    return tuple(dict.fromkeys(values))


def identified(model: str | Path, batches: Sequence[int]) -> tuple[str, str, Mapping[int, MeasureError]]:
    """Name and digest of a model, and why it does not take some of the batches; raises if it takes none."""
    refused: dict[int, MeasureError] = {}
    known: tuple[str, str] | None = None
    for size in batches:
        try:
            task = job(model, threads=1, batch=size, seconds=settings()["bounds"]["seconds"]["least"], providers=None)
            known = task.model, task.sha256
        except MeasureError as error:
            refused[size] = error
    if known is None:
        raise refused[batches[0]]
    return *known, refused


def new_plan(wishes: Mapping[str, Any], model: str, sha256: str) -> Plan:
    """Plan of what is wished for; raises MeasureError for a number out of bounds, or too little time."""
    table = settings()["sweep"]
    chosen = {name: wishes.get(name, table[name]) for name in ("seconds", "passes")}
    chosen["seed"] = wishes.get("seed", 0)
    for field, value in chosen.items():
        within_bounds(field, value, table["bounds"])
    threads = _numbers("threads", wishes.get("threads", table["threads"]))
    batch = batches(wishes)
    count, least = len(threads) * len(batch), settings()["bounds"]["seconds"]["least"]
    if count > table["most_configurations"]:
        raise MeasureError("sweep_too_many", value=count, most=table["most_configurations"])
    if chosen["seconds"] < count * chosen["passes"] * least:
        needed = f"{count * chosen['passes'] * least:g}"
        raise MeasureError(
            "sweep_too_short", value=chosen["seconds"], count=count, passes=chosen["passes"], needed=needed
        )
    started = datetime.now(UTC).isoformat(timespec="seconds")
    name = str(wishes.get("name", f"{Path(model).stem}-{started.replace(':', '').split('+')[0]}"))
    return Plan(name, model, sha256, threads, batch, started=started, machine=this_machine(), **chosen)


def check_name(store: Store, name: str) -> None:
    """Raise MeasureError unless a name is short, printable, and that of no sweep."""
    most = settings()["sweep"]["most_name_signs"]
    if not (name.isprintable() and name.strip() == name and 0 < len(name) <= most):
        raise MeasureError("sweep_name", value=name, most=most)
    if name in (plan.name for _, _, plan in store.readable("sweep")):
        raise MeasureError("sweep_name_taken", value=name)


def known_plan(store: Store, name: str) -> tuple[str, Plan]:
    """Id and plan of a sweep by its name, or by its id."""
    plans: dict[str, Plan] = {one: plan for one, _, plan in store.readable("sweep")}
    found = [one for one, plan in plans.items() if name in (one, plan.name)]
    if not found:
        names = ", ".join(plan.name for plan in plans.values()) or "-"
        raise UnknownIdError("sweep_unknown", value=name, known=names)
    return found[-1], plans[found[-1]]


def check_same(plan: Plan, sha256: str, wishes: Mapping[str, Any]) -> None:
    """Raise MeasureError unless a sweep may go on: the same model, the same machine, no other wishes."""
    if plan.sha256 != sha256:
        raise MeasureError("sweep_other_model", value=plan.model, name=plan.name)
    machine = this_machine()
    for field in machine_differences(plan.machine, machine):
        was, now = getattr(plan.machine, field), getattr(machine, field)
        raise MeasureError("sweep_other_machine", field=field, was=was, value=now, name=plan.name)
    for field, value in wishes.items():
        kept = getattr(plan, field)
        given = tuple(value) if isinstance(kept, tuple) and isinstance(value, Sequence) else value
        if given != kept:
            raise MeasureError("sweep_other_wish", field=field, value=value, was=kept, name=plan.name)


def found_of(store: Store, sweep_id: str) -> list[Found]:
    """What was kept of a sweep and can be read."""
    return [
        (Place((entry.part_of or {})["pass"], one.threads, one.batch), one)
        for _, entry, one in store.readable(sweep=sweep_id)
    ]
