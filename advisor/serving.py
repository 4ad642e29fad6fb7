"""How a service class would be set up: cores per worker, batch, sequences decoded together.

Arrays run over (service class, traffic, shape).  Functions serve one request at a time and take all of their cores;
shapes are the units a worker takes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from advisor.columns import FUNCTION, SHAPES, TRAFFICS, BoolArray, ClassColumns, Ends, FloatArray, IntArray, Plan
from advisor.continuous import slowest_token_s
from advisor.question import Question


def one_shot_plan(
    *,
    batch_s: Ends,
    bursts_per_s: FloatArray,
    budget_s: float,
    accelerator: BoolArray,
    unit: int,
    memory_bytes: FloatArray,
    settings: Mapping[str, Any],
) -> Plan:
    """Serving plan of models that answer at once, with dynamic batching on accelerators.

    Parameters
    ----------
    batch_s : three arrays, shape (classes, shapes, batches)
        Low, mid and high latency of a batch.  [s]
    bursts_per_s : array, shape (3,)
        Peak arrivals by traffic, times their burstiness where that is above 1.  [1/s]
    budget_s : float
        Latency objective.  [s]
    accelerator : bool array, shape (classes,)
        Accelerators take one unit a worker, and the batch that costs least time a request of those that leave room in
        the objective, or batches of one where a worker would be busy with them for a small share of the time;
        processors do not batch and take as many cores as the objective asks.
    unit : int
        Index of the shape of one unit.
    memory_bytes : array, shape (classes,)
        Memory of a worker.  [B]
    settings : mapping
        ``data/serving.toml``.
    """
    batches = np.array(settings["batches"], float)
    classes, shapes, _ = batch_s[0].shape
    high = batch_s[2]
    allowed = (high <= settings["batch_share"] * budget_s) & accelerator[:, None, None]
    allowed[..., 0] = True
    best = np.where(allowed, high / batches, np.inf).argmin(axis=2)
    rare = bursts_per_s[:, None] * high[:, None, :, 0] <= settings["batch_load"]
    chosen = np.where(rare, 0, best[:, None])
    chosen[:, FUNCTION] = 0
    full = _each(lambda values: _chosen(values, chosen), batch_s)
    quick = full[2] <= settings["latency_share"] * budget_s
    quick[:, :, :unit] = False
    wanted = np.where(quick.any(axis=2), quick.argmax(axis=2), shapes - 1)
    wanted[:, FUNCTION] = shapes - 1
    none = np.zeros((classes, TRAFFICS, shapes))
    return Plan(
        service_s=_each(lambda values: values / batches[chosen], full),
        alone_s=_each(lambda values: _chosen(values, np.zeros_like(chosen)), batch_s),
        full_s=full,
        batch=batches[chosen],
        slots=none + 1,
        first_s=(none, none, none),
        token_s=(none, none, none),
        memory_bytes=none + memory_bytes[:, None, None],
        shape_index=np.where(accelerator[:, None], unit, wanted),
    )


def token_plan(
    *,
    prefill_s: Ends,
    step_s: Ends,
    output_tokens: int,
    tpot_s: float,
    budget_s: float | None,
    accelerator: BoolArray,
    unit: int,
    weight_bytes: FloatArray,
    sequence_bytes: FloatArray,
    room_bytes: FloatArray,
    settings: Mapping[str, Any],
) -> Plan:
    """Serving plan of language models with continuous batching.

    Parameters
    ----------
    prefill_s : three arrays, shape (classes, shapes)
        Time to read the prompt on an idle worker.  [s]
    step_s : three arrays, shape (classes, shapes, sequences)
        Time of one decoding step of so many sequences.  [s]
    tpot_s : float
        Objective on the time per output token.  [s]
    weight_bytes, sequence_bytes : array, shape (classes,)
        Memory of weights and engine, and of the keys and values of one sequence.  [B]
    room_bytes : array, shape (classes, shapes)
        Memory of a worker of that shape; infinite where the machine decides.  [B]

    Notes
    -----
    A worker has as many slots as memory and objectives allow with all of them taken, at the upper end, whatever the
    traffic: more of it never makes another plan.  With b sequences and the time p that a prompt adds to a step, L
    output tokens take L step(b) + b p, and b requests share it.
    """
    sequences = np.array(settings["sequences"], float)
    pauses = _each(lambda prefill, step: np.maximum(prefill - step[..., 0], 0.0)[..., None], prefill_s, step_s)
    whole = _each(lambda step, pause: output_tokens * step + sequences * pause, step_s, pauses)

    def slowest(step: FloatArray, pause: FloatArray) -> FloatArray:
        return slowest_token_s(
            settings["quantile"], slots=sequences, step_s=step, prefill_s=pause, output_tokens=output_tokens,
            length_cv=settings["service_cv"]["llm"],
        )  # fmt: skip

    token = _each(slowest, step_s, pauses)
    memory = weight_bytes[:, None, None] + sequences * sequence_bytes[:, None, None]
    slow = whole[2] > (np.inf if budget_s is None else budget_s)
    good: BoolArray = np.asarray((memory <= room_bytes[..., None]) & (token[2] <= tpot_s) & ~slow)
    most = np.where(good.any(axis=2), sequences.size - 1 - good[..., ::-1].argmax(axis=2), 0)
    chosen = np.repeat(most[:, None], TRAFFICS, axis=1)
    chosen[:, FUNCTION] = 0
    able: BoolArray = np.asarray(good.any(axis=2))
    able[:, :unit] = False
    largest = room_bytes.shape[1] - 1
    wanted = np.where(accelerator & able.any(axis=1), able.argmax(axis=1), largest)
    slots = sequences[chosen]

    def at(values: FloatArray) -> FloatArray:
        return _chosen(np.broadcast_to(values, whole[0].shape), chosen)

    return Plan(
        service_s=_each(lambda values: at(values) / slots, whole),
        alone_s=_each(lambda values: at(values[..., :1]), step_s),
        full_s=_each(at, step_s),
        batch=np.ones(chosen.shape),
        slots=slots,
        first_s=_each(lambda values: at(values[..., None]), prefill_s),
        token_s=_each(at, token),
        memory_bytes=at(memory),
        shape_index=np.repeat(wanted[:, None], TRAFFICS, axis=1),
    )


def _each(formula: Callable[..., FloatArray], *latencies: Ends) -> Ends:
    """Formula of latencies at each of their ends."""
    low, mid, high = (formula(*values) for values in zip(*latencies, strict=True))
    return low, mid, high


def _chosen(values: FloatArray, index: IntArray) -> FloatArray:
    """Entries of the last axis of (classes, shapes, ...) that an index (classes, traffics, shapes) picks."""
    return np.take_along_axis(np.repeat(values[:, None], TRAFFICS, axis=1), index[..., None], axis=-1)[..., 0]


def served(asking: Question, columns: ClassColumns, times: tuple[Ends, ...], *, settings: Mapping[str, Any]) -> Plan:
    """Serving plan for a question.

    Parameters
    ----------
    times : tuple of triples
        What the latency stage gives per shape and batch: (batch times,), or (prefill, decoding step) for a language
        model.  [s]
    settings : mapping
        ``data/serving.toml``.
    """
    unit = int(np.searchsorted(SHAPES, 1.0))
    if not asking.generates:
        memory = columns.weight_bytes * settings["memory_factor"] + columns.overhead_bytes
        return one_shot_plan(
            batch_s=times[0],
            bursts_per_s=asking.rates_per_s * max(asking.asked.burstiness, 1.0),
            budget_s=asking.response_s or np.inf,
            accelerator=columns.accelerator,
            unit=unit,
            memory_bytes=memory,
            settings=settings,
        )
    sequence = columns.cache_bytes_per_token * (asking.input_tokens + asking.output_tokens)
    room = columns.unit_memory_bytes[:, None] * SHAPES * settings["accelerator_memory_share"]
    return token_plan(
        prefill_s=times[0],
        step_s=times[1],
        output_tokens=asking.output_tokens,
        tpot_s=asking.token_s or np.inf,
        budget_s=asking.response_s,
        accelerator=columns.accelerator,
        unit=unit,
        weight_bytes=columns.weight_bytes + columns.overhead_bytes,
        sequence_bytes=sequence,
        room_bytes=room,
        settings=settings,
    )
