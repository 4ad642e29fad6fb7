"""What must hold for language models: prefill, decoding, cache."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.llm import (
    FIDELITIES,
    Coefficients,
    LanguageCalibration,
    decode_interval_s,
    decode_step_s,
    kv_bytes_per_token,
    largest_batch,
    load_language_calibration,
    prefill_interval_s,
    prefill_s,
    weights_read_bytes,
)  # fmt: skip

SAMPLE = Path(__file__).parent / "data" / "calibrations"
LLAMA_3_8B = {"active_params": 8.03e9, "weight_bytes": 16.06e9}
H100 = {"peak_flop_per_s": 989e12, "bandwidth_bytes_per_s": 3.35e12}


@pytest.fixture(scope="module")
def calibration() -> LanguageCalibration:
    return load_language_calibration(SAMPLE)


def coefficients(**changes: float) -> Coefficients:
    usual = {"compute_efficiency": 0.5, "bandwidth_efficiency": 0.8, "cache_efficiency": 0.4,
             "prefill_layer_s": 0.0005, "step_layer_s": 0.0001, "collective_s": 0.00005, "sequence_s": 0.0,
             "in_turn": 0.0, "prefill_low": 0.5, "prefill_high": 2.0, "step_low": 0.7,
             "step_high": 1.5, "prefill_engine": 1.0, "step_engine": 1.0, "fidelity": 1}  # fmt: skip
    return Coefficients(**{name: np.array(value) for name, value in (usual | changes).items()})


def step(**changes: object) -> float:
    usual: dict[str, object] = {**LLAMA_3_8B, **H100, "active_share": 1.0, "layers": 20,
                                "kv_bytes_per_sequence": 5e7, "batch": 1, "units": 1,
                                "coefficients": coefficients()}  # fmt: skip
    return float(decode_step_s(**usual | changes))  # type: ignore[arg-type]


def first(**changes: object) -> float:
    usual: dict[str, object] = {
        **LLAMA_3_8B, **H100, "layers": 20, "input_tokens": 1024, "units": 1, "coefficients": coefficients()
    }  # fmt: skip
    return float(prefill_s(**usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, (16.06e9 + 1e8) / (3.35e12 * 0.8) + 0.002),
        ({"batch": 64}, (16.06e9 + 64e8) / (3.35e12 * 0.8) + 0.002),
        ({"units": 8}, (16.06e9 + 1e8) / (8 * 3.35e12 * 0.8) + 0.002 + 3 * 0.001),
        ({"batch": 1000, "kv_bytes_per_sequence": 0.0}, 2 * 8.03e9 * 1000 / (989e12 * 0.5) + 0.002),
        ({"bandwidth_bytes_per_s": math.nan}, 2 * 8.03e9 / (989e12 * 0.5) + 0.002),
        ({"coefficients": coefficients(sequence_s=1e-6), "batch": 64}, (16.06e9 + 64e8) / (3.35e12 * 0.8) + 0.00328),
        ({"coefficients": coefficients(in_turn=1.0), "units": 8}, (16.06e9 + 1e8) / (3.35e12 * 0.8) + 0.002),
        ({"coefficients": coefficients(in_turn=1.0), "units": 0.5}, (16.06e9 + 1e8) / (0.5 * 3.35e12 * 0.8) + 0.002),
        ({"coefficients": coefficients(step_engine=2.0)}, 2 * ((16.06e9 + 1e8) / (3.35e12 * 0.8) + 0.002)),
    ],
)
def test_decoding_step_worked_out_by_hand(case: dict[str, object], expected: float) -> None:
    assert step(**case) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, 2 * 8.03e9 * 1024 / (989e12 * 0.5) + 0.01),
        ({"input_tokens": 1}, 16.06e9 / (3.35e12 * 0.8) + 0.01),
        ({"units": 4}, 2 * 8.03e9 * 1024 / (4 * 989e12 * 0.5) + 0.01 + 2 * 0.001),
    ],
)
def test_prefill_worked_out_by_hand(case: dict[str, object], expected: float) -> None:
    assert first(**case) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("share", "batch", "read"), [(0.5, 1, 50.0), (0.5, 2, 75.0), (1.0, 7, 100.0), (0.1, 3, 27.1)])
def test_a_sparse_model_reads_the_experts_that_its_batch_touches(share: float, batch: int, read: float) -> None:
    assert weights_read_bytes(weight_bytes=100.0, active_share=share, batch=batch) == pytest.approx(read)


def test_cache_of_llama_3_8b_is_128_kib_a_token() -> None:
    assert kv_bytes_per_token(layers=32, kv_heads=8, head_size=128) == 131072


@given(st.floats(1, 1e12), st.floats(1e-3, 1.0), st.integers(1, 1000))
def test_a_batch_reads_at_least_the_active_weights_and_at_most_all(weights: float, share: float, batch: int) -> None:
    read = float(weights_read_bytes(weight_bytes=weights, active_share=share, batch=batch))
    assert weights * share * (1 - 1e-9) <= read <= weights
    assert weights_read_bytes(weight_bytes=weights, active_share=1.0, batch=batch) == weights


@given(st.floats(1e9, 1e12), st.floats(1e9, 1e12), st.floats(1e6, 1e10))
def test_largest_batch_fits_and_one_more_does_not(memory: float, weights: float, cache: float) -> None:
    batch = float(largest_batch(memory_bytes=memory, weight_bytes=weights, kv_bytes_per_sequence=cache))
    assert batch == 0 or weights + batch * cache <= memory * (1 + 1e-9)
    assert weights + (batch + 1) * cache > memory * (1 - 1e-9)


@given(st.integers(1, 512), st.integers(1, 8), st.floats(1e6, 1e10), st.floats(1.0, 10.0))
def test_more_sequences_or_longer_ones_never_decode_faster(batch: int, times: int, cache: float, longer: float) -> None:
    usual = step(batch=batch, kv_bytes_per_sequence=cache)
    assert step(batch=batch * times, kv_bytes_per_sequence=cache) >= usual
    assert step(batch=batch, kv_bytes_per_sequence=cache * longer) >= usual
    assert step(batch=batch * times, kv_bytes_per_sequence=cache) / (batch * times) <= usual / batch * (1 + 1e-9)


@given(st.integers(1, 100_000), st.floats(1.0, 100.0))
def test_longer_prompts_never_start_sooner_and_faster_devices_never_later(tokens: int, factor: float) -> None:
    usual = first(input_tokens=tokens)
    assert first(input_tokens=tokens * factor) >= usual
    assert first(input_tokens=tokens, peak_flop_per_s=989e12 * factor) <= usual


def test_intervals_are_the_middle_times_the_factors() -> None:
    low, mid, high = decode_interval_s(
        **LLAMA_3_8B,
        **H100,
        active_share=1.0,
        layers=20,
        kv_bytes_per_sequence=1e8,
        batch=1,
        units=1,
        coefficients=coefficients(),
    )
    assert (float(low / mid), float(high / mid)) == pytest.approx((0.7, 1.5))
    low, mid, high = prefill_interval_s(
        **LLAMA_3_8B, **H100, layers=20, input_tokens=1024, units=1, coefficients=coefficients()
    )
    assert (float(low / mid), float(high / mid)) == pytest.approx((0.5, 2.0))


@pytest.mark.parametrize(
    ("device", "kind", "fidelity"),
    [
        ("nvidia-h100-80gb", "gpu-datacenter", "calibrated"),
        ("another-board", "gpu-datacenter", "class"),
        ("a-controller", "mcu", "theoretical"),
    ],
)
def test_lookup_falls_back_from_device_to_kind_to_all(
    calibration: LanguageCalibration, device: str, kind: str, fidelity: str
) -> None:
    found = calibration.lookup([device], [kind], ["fp16"], ["vllm"])
    assert FIDELITIES[int(found.fidelity[0])] == fidelity


def test_engine_without_measurements_has_no_factor_and_a_wider_interval(calibration: LanguageCalibration) -> None:
    found = calibration.lookup(["x", "x"], ["gpu-datacenter"] * 2, ["bf16"] * 2, ["vllm", "unheard-of"])
    assert found.step_engine[0] == calibration.engines["step", "vllm", "*"].factor
    assert found.step_engine[1] == 1.0
    assert found.step_high[1] > found.step_high[0]


def test_committed_calibration_serves_every_kind() -> None:
    packed = load_language_calibration()
    kinds = ["gpu-datacenter", "gpu-consumer", "gpu-workstation", "cpu-server", "edge-npu", "mcu"]
    found = packed.lookup(["nowhere"] * len(kinds), kinds, ["fp16"] * len(kinds), ["vllm"] * len(kinds))
    for name in ("compute_efficiency", "bandwidth_efficiency", "cache_efficiency", "step_layer_s", "prefill_layer_s"):
        assert (getattr(found, name) > 0).all()


@given(st.floats(1.0, 64.0))
def test_devices_that_work_in_turn_gain_nothing_from_more(units: float) -> None:
    alone = coefficients(in_turn=1.0)
    assert step(units=units, coefficients=alone) == step(units=1, coefficients=alone)
    assert first(units=units, coefficients=alone) == first(units=1, coefficients=alone)


def test_an_engine_that_is_slow_at_one_format_says_so_for_that_format_alone() -> None:
    packed = load_language_calibration()
    slow, usual = (packed.lookup(["x"], ["gpu-consumer"], [name], ["transformers"]) for name in ("int8", "fp16"))
    assert slow.step_engine[0] > 1.5 * usual.step_engine[0]
    unknown = packed.lookup(["x"], ["gpu-consumer"], ["fp32"], ["transformers"])
    assert unknown.step_engine[0] == packed.engines["step", "transformers", "*"].factor
