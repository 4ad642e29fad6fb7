"""One model on one device: latency, throughput and tokens, or a refusal with its reason."""

from difflib import get_close_matches
from typing import Any

from advisor import latency, llm
from advisor.anchors import anchored
from advisor.calibration import Calibration, load_calibration
from advisor.claims import Source
from advisor.columns import FloatArray, ServiceClass
from advisor.device import DeviceSpec
from advisor.effects import traits_of
from advisor.errors import RequirementError, UnknownIdError
from advisor.knowledge import HERE, Knowledge, load
from advisor.latency import FIDELITIES
from advisor.machine_calibration import MachineCalibration
from advisor.modelspec import ModelSpec, plain, resolve
from advisor.published import Published, load_published
from advisor.requirements import settings
from advisor.results import Interval, Prediction, Refusal
from advisor.schema import Device, Precision
from advisor.support import beyond
from advisor.system_records import Engine
from advisor.units import BYTES_PER_GB, FLOP_PER_MAC, MS_PER_S

_PRECISIONS: tuple[Precision, ...] = ("fp16", "fp32", "int8", "fp8", "int4")


def predict(
    model: Any,
    device: str | DeviceSpec,
    *,
    batch: int = 1,
    precision: Precision | None = None,
    engine: str | None = None,
    threads: int | None = None,
    devices: int = 1,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    concurrency: int = 1,
    calibration: Calibration | MachineCalibration | None = None,
) -> Prediction | Refusal:
    """What a model does on a device.

    Parameters
    ----------
    model : str, Path or ModelSpec
    device : str or DeviceSpec
        Id or name of the catalogue, or a data sheet.
    batch : int, default 1
        Inferences served as one.
    precision, engine : str, optional
        Number format and runtime; by default the first that the device runs natively, and the engine without a factor.
    threads : int, optional
        Virtual CPUs of a processor that is counted by them.
    devices : int, default 1
        Devices that share a language model.
    input_tokens, output_tokens : int, optional
        Language models: lengths; the documented defaults otherwise.
    concurrency : int, default 1
        Language models: requests decoded together.
    calibration : Calibration or MachineCalibration, optional
        With what ``advisor.lab.calibrate`` found of a machine, ``"this-machine"`` is a device too.

    Returns
    -------
    Prediction or Refusal
        Intervals are the central 80 %.

    Raises
    ------
    RequirementError, UnknownIdError, ModelFileError
        If an argument is wrong, or names something unknown.
    """
    counts = {
        "batch": batch,
        "threads": threads,
        "devices": devices,
        "concurrency": concurrency,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    for field, value in counts.items():
        if value is not None and (type(value) is not int or value < 1):
            raise RequirementError("field", field=field, value=value, must=">= 1")
    knowledge = load()
    if isinstance(calibration, MachineCalibration):
        knowledge, calibration = calibration.known(knowledge), calibration.calibration()
    calibration = load_calibration() if calibration is None else calibration
    spec = resolve(model, knowledge.models)
    target = _Target.of(device, knowledge)
    chosen = _native(target) if precision is None else precision
    if refusal := _refusal(spec, target, chosen, engine, devices, knowledge, calibration):
        return refusal
    generates = spec.family == "llm"
    tokens = {"active_params": spec.used_params, "input_tokens": input_tokens or 1, "concurrency": concurrency}
    if refusal := beyond(tokens if generates else {"macs": spec.macs_interval().mid, "batch": batch}, knowledge):
        return refusal
    peak = calibration.peak_flop_per_s(target.peak, chosen, generates=generates) or float("nan")
    if generates:
        lengths = (input_tokens, output_tokens)
        return _language_prediction(spec, target, peak, chosen, engine, float(threads or devices), concurrency, lengths)
    published, units = load_published(knowledge), float(threads or 1)
    return _one_shot_prediction(spec, target, peak, chosen, engine, float(batch), units, calibration, published)


def _one_shot_prediction(
    spec: ModelSpec,
    target: "_Target",
    peak: float,
    precision: Precision,
    engine: str | None,
    batch: float,
    units: float,
    calibration: Calibration,
    published: Published,
) -> Prediction:
    """Time of a batch: what was measured of exactly this, or predicted in the light of what was measured nearby."""
    coefficients = calibration.lookup([target.key], [target.kind], [precision], [engine or ""], traits_of(spec))
    macs = spec.macs_interval()
    sizes = (spec.used_weight_bytes(precision), spec.activation_bytes or 0.0)

    def ends(at_units: float, at_batch: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        work = (FLOP_PER_MAC * macs.low, FLOP_PER_MAC * macs.mid, FLOP_PER_MAC * macs.high)
        return latency.service_interval_s(
            work, *sizes, at_batch, peak, target.bandwidth, at_units, coefficients.with_axes(2)
        )

    times, measured = anchored(
        ends(units, batch),
        [ServiceClass(target.key, engine or "", precision)],
        spec,
        [units],
        [batch],
        lambda _, at_units, at_batch: float(ends(at_units, at_batch)[1].item()),
        published,
    )
    low, mid, high = (end.item() for end in times)
    return Prediction(
        latency_ms=_ms(low, mid, high),
        throughput_per_s=Interval(batch / high, batch / mid, batch / low),
        ttft_ms=None,
        tpot_ms=None,
        fidelity="measured" if measured else FIDELITIES[int(coefficients.fidelity[0])],
        basis=spec.basis,
        sources=measured[0, 0, 0].sources if measured else target.sources,
    )


def _native(target: "_Target") -> Precision:
    """First number format that the device has a rate for."""
    return next((p for p in _PRECISIONS if p in target.peak), "fp32")


def _ms(low: float, mid: float, high: float) -> Interval:
    return Interval(low * MS_PER_S, mid * MS_PER_S, high * MS_PER_S)


def _language_prediction(
    spec: ModelSpec,
    target: "_Target",
    peak: float,
    precision: Precision,
    engine: str | None,
    units: float,
    concurrency: int,
    tokens: tuple[int | None, int | None],
) -> Prediction:
    """Times of a language model: prefill, a decoding step of ``concurrency`` sequences, and a whole answer."""
    defaults = settings()["defaults"]["llm"]
    prompt, answer = tokens[0] or defaults["input_tokens"], tokens[1] or defaults["output_tokens"]
    coefficients = llm.load_language_calibration().lookup([target.key], [target.kind], [precision], [engine or ""])
    shared: dict[str, Any] = {
        "active_params": spec.used_params,
        "weight_bytes": spec.weight_bytes(precision),
        "layers": spec.layer_count or 1,
        "peak_flop_per_s": peak,
        "bandwidth_bytes_per_s": target.bandwidth,
        "units": units,
        "coefficients": coefficients,
    }
    first = [float(end[0]) for end in llm.prefill_interval_s(input_tokens=prompt, **shared)]
    cache = spec.kv_bytes_per_token("fp16") * (prompt + answer / 2)
    step = [
        float(end[0])
        for end in llm.decode_interval_s(
            active_share=spec.used_params / spec.params, kv_bytes_per_sequence=cache, batch=concurrency, **shared
        )
    ]
    whole = [a + answer * b for a, b in zip(first, step, strict=True)]
    return Prediction(
        latency_ms=_ms(*whole),
        throughput_per_s=Interval(*(concurrency * answer / end for end in reversed(whole))),
        ttft_ms=_ms(*first),
        tpot_ms=_ms(*step),
        fidelity=FIDELITIES[int(coefficients.fidelity[0])],
        basis=spec.basis,
        sources=target.sources,
    )


class _Target:
    """Figures of a device, from a record or from a data sheet."""

    def __init__(
        self,
        key: str,
        kind: str,
        peak: dict[Precision, float],
        bandwidth: float,
        memory: float | None,
        name: str,
        sources: tuple[str, ...],
        record: Device | None,
    ) -> None:
        self.key, self.kind, self.peak, self.bandwidth, self.memory = key, kind, peak, bandwidth, memory
        self.name, self.sources, self.record = name, sources, record

    @classmethod
    def of(cls, device: str | DeviceSpec, knowledge: Knowledge) -> "_Target":
        if isinstance(device, DeviceSpec):
            return cls(
                "",
                device.kind,
                dict(device.peak_flop_per_s),
                device.bandwidth_bytes_per_s,
                device.memory_bytes,
                device.kind,
                (),
                None,
            )
        names = {
            plain(name): record
            for record in knowledge.devices.values()
            for name in (record.id, record.name, *record.aliases)
        }
        if plain(device) not in names:
            near = get_close_matches(plain(device), names, n=3, cutoff=0.3)
            known = ", ".join(dict.fromkeys(names[name].id for name in near)) or ", ".join(
                sorted(knowledge.devices)[:3]
            )
            raise UnknownIdError("unknown_device", value=device, known=known)
        record = names[plain(device)]
        memory = record.memory or (record.board.memory if record.board else None)
        return cls(
            record.id,
            record.kind,
            dict(record.peak),
            record.bandwidth or float("nan"),
            memory,
            record.name,
            tuple(claim.title if isinstance(claim, Source) else claim.method for claim in record.claims),
            record,
        )


def _refusal(
    spec: ModelSpec,
    target: _Target,
    precision: Precision,
    engine: str | None,
    devices: int,
    knowledge: Knowledge,
    calibration: Calibration,
) -> Refusal | None:
    """Why a model cannot be predicted on a device, or None."""
    unmeasured = target.key == HERE and precision not in target.peak
    if unmeasured or calibration.peak_flop_per_s(target.peak, precision) is None:
        return Refusal("no_peak", (("device", target.name), ("precision", precision)))
    if engine is not None:
        terms = _engine(engine, knowledge)
        runs = target.record is None or precision in terms.architectures.get(target.record.architecture, ())
        if spec.family not in terms.families or not runs or (terms.kinds and target.kind not in terms.kinds):
            return Refusal(
                "no_engine",
                (("engine", engine), ("device", target.name), ("precision", precision), ("family", spec.family)),
            )
    need = spec.weight_bytes(precision)
    if target.memory is not None and need > target.memory * devices:
        return Refusal(
            "memory",
            (
                ("need_gb", need / BYTES_PER_GB),
                ("have_gb", target.memory * devices / BYTES_PER_GB),
                ("device", target.name),
            ),
        )
    return None


def _engine(engine: str, knowledge: Knowledge) -> Engine:
    engines = {system.id: system.engine for system in knowledge.systems.values() if system.engine}
    if engine not in engines:
        near = get_close_matches(engine, engines, n=3, cutoff=0.3) or sorted(engines)[:3]
        raise UnknownIdError("unknown_engine", value=engine, known=", ".join(near))
    return engines[engine]
