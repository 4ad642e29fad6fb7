"""Requirements -> Advice: the pipeline, top to bottom; the only module that knows every stage."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advisor import feasibility, latency, limits, llm, ranking
from advisor.anchors import Cell, anchored
from advisor.billing import bill_of
from advisor.calibration import Calibration, load_calibration
from advisor.carbon import carbon_kg_per_month
from advisor.classes import class_columns
from advisor.columns import SHAPES, ClassColumns, Ends, FloatArray, Stacks
from advisor.device import rate_orders
from advisor.effects import traits_of
from advisor.evaluation import Evaluation
from advisor.fleet import sized
from advisor.full_advice import FullAdvice
from advisor.functions import with_functions
from advisor.knowledge import Knowledge, load
from advisor.latency import FIDELITIES
from advisor.ledger import Ledger
from advisor.machine_calibration import MachineCalibration
from advisor.modelspec import resolve
from advisor.network import network
from advisor.published import Answer, load_published
from advisor.question import Question, question
from advisor.requirements import Requirements
from advisor.serving import served
from advisor.stacks import stacks
from advisor.units import FLOP_PER_MAC


def advise(
    asked: Requirements,
    knowledge: Knowledge | None = None,
    calibration: Calibration | MachineCalibration | None = None,
) -> FullAdvice:
    """Every deployment stack for a question, judged, sized, priced and ranked.

    Parameters
    ----------
    asked : Requirements
    knowledge : Knowledge, optional
        The packed one by default; ``load(prices=...)`` brings a user's own prices.
    calibration : Calibration or MachineCalibration, optional
        Coefficients of the latency model; the packed ones by default.  With what ``advisor.lab.calibrate`` found of
        the machine in front of the user, that machine is among the stacks, and the advice has a ``before``.

    Returns
    -------
    FullAdvice
        An :class:`~advisor.advice.Advice` with every candidate behind it.

    Raises
    ------
    RequirementError
        If wishes contradict each other or do not go with the model.
    UnknownIdError, ModelFileError
        If the model cannot be found or read.
    """
    known, coefficients, before = _known(asked, load() if knowledge is None else knowledge, calibration)
    asking = question(asked, resolve(asked.model, known.models))
    found = stacks(known, family=asking.spec.family, precisions=asked.precisions)
    return FullAdvice(
        evaluated(asking, found, known, coefficients),
        again=lambda other: advise(other, known, coefficients),
        of=lambda other, some: evaluated(question(other, asking.spec), some, known, coefficients),
        before=before,
    )


def evaluated(asking: Question, found: Stacks, knowledge: Knowledge, calibration: Calibration) -> Evaluation:
    """What every stage says of some stacks for a question: the line that all answers come from."""
    asked, serving, terms = asking.asked, knowledge.table("serving"), knowledge.serverless
    trips = network(
        knowledge, country=asked.country, payload_kb=asked.payload_kb, internet=asked.internet, local=asking.local
    )
    columns = class_columns(
        found, asking, orders=rate_orders(calibration.settings, generates=asking.generates), settings=serving
    )
    times, fidelity, measured = _times(knowledge, asking, found, columns, calibration, serving)
    plan = served(asking, columns, times, settings=serving)
    fleets = sized(asking, found, trips, plan, settings=serving)
    fleets = with_functions(asking, fleets, found, trips, columns, terms)
    ledger = Ledger(asking, found, fleets, columns, knowledge, headroom=serving["scaling_headroom"])
    bill = bill_of(ledger)
    judged = [
        *limits.machine_limits(asking, found, trips, lines=knowledge.table("network")["uplink"]),
        *limits.platform_limits(asking, found),
        *limits.class_limits(asking, found, columns),
        *limits.run_limits(
            asking, found, trips, columns, fleets, terms, memory_share=serving["accelerator_memory_share"]
        ),
        *limits.stack_limits(asking, found, fleets, bill),
    ]
    warned = limits.conditions(
        asking,
        found,
        trips,
        columns,
        fleets,
        bill,
        stale_days=serving["stale_price_days"],
        cold_share=serving["cold_share_worth_saying"],
    )
    mask = feasibility.mask_of_candidates(judged, found, feasibility.rule_bits(knowledge.rules))
    settings = knowledge.table("ranking")
    carbon = np.zeros(1)
    if "carbon" in asked.weights:
        carbon = carbon_kg_per_month(
            asking, found, fleets, knowledge, following=ledger.following(ledger.peak), follows=ledger.platforms.follows
        )
    values = ranking.criteria_of(asking, found, trips, fleets, bill, carbon, settings)
    penalty = ranking.Criterion(ranking.penalties(fleets, trips, settings["penalties"]), found.run)
    score = ranking.scores(values, asked.weights, settings, penalty)
    return Evaluation(
        knowledge,
        asking,
        found,
        trips,
        columns,
        fidelity,
        measured,
        knowledge.calibrated,
        plan,
        fleets,
        ledger,
        bill,
        judged,
        warned,
        mask,
        values,
        score,
    )


def _known(
    asked: Requirements, knowledge: Knowledge, calibration: Calibration | MachineCalibration | None
) -> tuple[Knowledge, Calibration, Callable[[], FullAdvice] | None]:
    """What the stages go by, and the advice without what was measured on the user's machine, where one was."""
    if not isinstance(calibration, MachineCalibration):
        return knowledge, calibration or load_calibration(), None
    known, plain = calibration.known(knowledge), replace(calibration, measured=()).known(knowledge)
    coefficients: Calibration = known.kept("coefficients of the machine", calibration.calibration)
    return known, coefficients, lambda: advise(asked, plain)


def _times(
    knowledge: Knowledge,
    asking: Question,
    found: Stacks,
    columns: ClassColumns,
    calibration: Calibration,
    serving: Mapping[str, Any],
) -> tuple[tuple[Ends, ...], NDArray[np.object_], Mapping[Cell, Answer]]:
    """What the latency stage says of every class, shape and batch, how well founded it is, and what was measured.

    One triple of ends for models that answer at once; prefill and decoding step for language models.
    """
    ids, kinds = [klass.device for klass in found.classes], columns.kind.tolist()
    engines, precisions = columns.engine.tolist(), columns.precision.tolist()
    peak, bandwidth, key = columns.peak_flop_per_s[:, None], columns.bandwidth_bytes_per_s[:, None], id(found)
    if asking.generates:
        spec = asking.spec
        language = llm.load_language_calibration()
        tokens = knowledge.kept(("tokens", key), lambda: (found, language.lookup(ids, kinds, precisions, engines)))[-1]
        prefill = llm.prefill_interval_s(
            active_params=spec.used_params,
            weight_bytes=columns.weight_bytes[:, None],
            layers=spec.layer_count or 1,
            input_tokens=asking.input_tokens,
            peak_flop_per_s=peak,
            bandwidth_bytes_per_s=bandwidth,
            units=SHAPES,
            coefficients=tokens.with_axes(1),
        )
        step = llm.decode_interval_s(
            active_params=spec.used_params,
            weight_bytes=columns.weight_bytes[:, None, None],
            active_share=spec.used_params / spec.params,
            layers=spec.layer_count or 1,
            kv_bytes_per_sequence=_middle_cache_bytes(asking, columns)[:, None, None],
            batch=np.array(serving["sequences"], float),
            peak_flop_per_s=peak[..., None],
            bandwidth_bytes_per_s=bandwidth[..., None],
            units=SHAPES[:, None],
            coefficients=tokens.with_axes(2),
        )
        return (prefill, step), np.array(FIDELITIES, object)[tokens.fidelity], {}
    traits = traits_of(asking.spec)
    coefficients = knowledge.kept(
        ("coefficients", key, id(calibration), str(traits)),
        lambda: (found, calibration, calibration.lookup(ids, kinds, precisions, engines, traits)),
    )[-1]
    macs = asking.spec.macs_interval()
    mid = FLOP_PER_MAC * macs.mid
    work = (mid, mid, mid) if macs.low == macs.high else (FLOP_PER_MAC * macs.low, mid, FLOP_PER_MAC * macs.high)
    batches = serving["batches"]
    times = latency.service_interval_s(
        work,
        columns.used_weight_bytes[:, None, None],
        asking.spec.activation_bytes or 0.0,
        np.array(batches, float),
        peak[..., None],
        bandwidth[..., None],
        SHAPES[:, None],
        coefficients.with_axes(2),
    )

    def middle_s(row: int, units: float, batch: float) -> float:
        return float(
            latency.service_s(
                work_flop=mid,
                weight_bytes=columns.used_weight_bytes[row],
                activation_bytes=asking.spec.activation_bytes or 0.0,
                batch=batch,
                peak_flop_per_s=columns.peak_flop_per_s[row],
                bandwidth_bytes_per_s=columns.bandwidth_bytes_per_s[row],
                units=units,
                coefficients=coefficients.of(row),
            )
        )

    times, measured = anchored(
        times, found.classes, asking.spec, SHAPES.tolist(), batches, middle_s, load_published(knowledge)
    )
    return (times,), np.array(FIDELITIES, object)[coefficients.fidelity], measured


def _middle_cache_bytes(asking: Question, columns: ClassColumns) -> FloatArray:
    """Keys and values of one sequence halfway through its answer, per class [B]."""
    tokens = asking.input_tokens + asking.output_tokens / 2
    return columns.cache_bytes_per_token * tokens
