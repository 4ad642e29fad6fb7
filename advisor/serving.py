"""How a service class would be set up: cores per worker, batch, sequences decoded together.

Arrays run over (service class, traffic, shape).  Functions serve one request at a time and take all of their cores;
shapes are the units a worker takes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from advisor.columns import FUNCTION, SHAPES, TRAFFICS, BoolArray, ClassColumns, Ends, FloatArray, IntArray, Plan
from advisor.question import Question


def one_shot_plan(
    *,
    batch_s: Ends,
    rates_per_s: FloatArray,
    budget_s: float,
    accelerator: BoolArray,
    whole: int,
    memory_bytes: FloatArray,
    settings: Mapping[str, Any],
) -> Plan:
    """Serving plan of models that answer at once.

    Parameters
    ----------
    batch_s : three arrays, shape (classes, shapes, batches)
        Low, mid and high latency of a batch.  [s]
    rates_per_s : array, shape (3,)
        Peak arrivals by traffic.  [1/s]
    budget_s : float
        Latency objective.  [s]
    accelerator : bool array, shape (classes,)
        Accelerators may batch and take one unit a worker; processors do not batch and take as many cores as the
        objective asks.
    whole : int
        Index of the shape of one unit.
    memory_bytes : array, shape (classes,)
        Memory of a worker.  [B]
    settings : mapping
        ``data/serving.toml``.
    """
    batches = np.array(settings["batches"], float)
    classes, shapes, _ = batch_s[0].shape
    high = batch_s[2][:, None]
    rates = rates_per_s[:, None, None]
    workers = np.ceil(rates * high / batches / settings["utilisation"])
    fill = (batches - 1) * workers / rates
    allowed = (high <= settings["batch_share"] * budget_s) & (fill <= settings["batch_share"] * budget_s)
    allowed &= accelerator[:, None, None, None]
    allowed[:, FUNCTION] = False
    allowed[..., 0] = True
    chosen = np.where(allowed, workers, np.inf).argmin(axis=3)
    low, mid, top = (_chosen(np.repeat(end[:, None], TRAFFICS, axis=1), chosen) for end in batch_s)
    quick = top <= settings["latency_share"] * budget_s
    quick[:, :, :whole] = False
    wanted = np.where(quick.any(axis=2), quick.argmax(axis=2), shapes - 1)
    wanted[:, FUNCTION] = shapes - 1
    none = np.zeros((classes, TRAFFICS, shapes))
    return Plan(
        service_s=(low, mid, top),
        batch=batches[chosen],
        slots=none + 1,
        fill_s=_chosen(fill, chosen),
        first_s=(none, none, none),
        token_s=(none, none, none),
        memory_bytes=none + memory_bytes[:, None, None],
        shape_index=np.where(accelerator[:, None], whole, wanted),
    )


def token_plan(
    *,
    prefill_s: Ends,
    step_s: Ends,
    rates_per_s: FloatArray,
    output_tokens: int,
    tpot_s: float,
    budget_s: float | None,
    accelerator: BoolArray,
    whole: int,
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
    Prompts of the other sequences interrupt decoding: with b sequences, TPOT = step(b) + b prefill / output tokens.
    """
    sequences = np.array(settings["sequences"], float)
    token = [
        step + sequences * prefill[..., None] / output_tokens for step, prefill in zip(step_s, prefill_s, strict=True)
    ]
    whole_s = [prefill[..., None] + output_tokens * per for prefill, per in zip(prefill_s, token, strict=True)]
    memory = weight_bytes[:, None, None] + sequences * sequence_bytes[:, None, None]
    fits = memory <= room_bytes[..., None]
    slow = whole_s[2] > (np.inf if budget_s is None else budget_s)
    good: BoolArray = np.asarray(fits & (token[2] <= tpot_s) & ~slow)
    load = rates_per_s[:, None, None] * whole_s[2][:, None]
    alone = good[:, None] & (load <= settings["utilisation"] * sequences)
    most = np.where(good.any(axis=2), sequences.size - 1 - good[..., ::-1].argmax(axis=2), 0)
    chosen = np.where(alone.any(axis=3), alone.argmax(axis=3), most[:, None])
    chosen[:, FUNCTION] = 0

    def at(values: FloatArray) -> FloatArray:
        return _chosen(np.repeat(values[:, None], TRAFFICS, axis=1), chosen)

    able: BoolArray = np.asarray(good.any(axis=2))
    able[:, :whole] = False
    largest = room_bytes.shape[1] - 1
    wanted = np.where(accelerator & able.any(axis=1), able.argmax(axis=1), largest)
    first = [np.repeat(prefill[:, None], TRAFFICS, axis=1) for prefill in prefill_s]
    none = np.zeros(chosen.shape)
    return Plan(
        service_s=(at(whole_s[0]), at(whole_s[1]), at(whole_s[2])),
        batch=none + 1,
        slots=sequences[chosen],
        fill_s=none,
        first_s=(first[0], first[1], first[2]),
        token_s=(at(token[0]), at(token[1]), at(token[2])),
        memory_bytes=at(np.broadcast_to(memory, token[0].shape)),
        shape_index=np.repeat(wanted[:, None], TRAFFICS, axis=1),
    )


def _chosen(values: FloatArray, index: IntArray) -> FloatArray:
    """Entries of the last axis that an index of the other axes picks."""
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


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
    whole = int(np.searchsorted(SHAPES, 1.0))
    if not asking.generates:
        memory = columns.weight_bytes * settings["memory_factor"] + columns.overhead_bytes
        return one_shot_plan(
            batch_s=times[0],
            rates_per_s=asking.rates_per_s,
            budget_s=asking.response_s or np.inf,
            accelerator=columns.accelerator,
            whole=whole,
            memory_bytes=memory,
            settings=settings,
        )
    sequence = columns.cache_bytes_per_token * (asking.input_tokens + asking.output_tokens)
    room = columns.unit_memory_bytes[:, None] * SHAPES * settings["accelerator_memory_share"]
    return token_plan(
        prefill_s=times[0],
        step_s=times[1],
        rates_per_s=asking.rates_per_s,
        output_tokens=asking.output_tokens,
        tpot_s=asking.token_s or np.inf,
        budget_s=asking.response_s,
        accelerator=columns.accelerator,
        whole=whole,
        weight_bytes=columns.weight_bytes + columns.overhead_bytes,
        sequence_bytes=sequence,
        room_bytes=room,
        settings=settings,
    )
