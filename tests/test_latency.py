"""What must hold for the latency of models that answer at once."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.calibration import Calibration, load_calibration
from advisor.effects import Effects
from advisor.latency import (
    FIDELITIES,
    Coefficients,
    attainable_flop_per_s,
    roofline_s,
    service_interval_s,
    service_s,
)  # fmt: skip

SAMPLE = Path(__file__).parent / "data" / "calibrations"

work = st.floats(1e6, 1e14)
size = st.floats(1e3, 1e11)
peak = st.floats(1e9, 1e15)
bandwidth = st.floats(1e9, 1e13)
more = st.floats(1.0, 100.0)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return load_calibration(SAMPLE)


def coefficients(**changes: float) -> Coefficients:
    usual = {"efficiency": 0.5, "overhead_s": 0.001, "low_factor": 0.5, "high_factor": 3.0, "gamma": 0.8,
             "balance_exponent": 0.0, "balance": 10.0,
             "engine_factor": 1.0, "fidelity": 1, "blind_factor": 1.5}  # fmt: skip
    values = {name: np.array(value) for name, value in (usual | changes).items()}
    return Coefficients(**values)


def seconds(**changes: object) -> float:
    usual: dict[str, object] = {"work_flop": 8e9, "weight_bytes": 1e8, "activation_bytes": 0.0, "batch": 1, "units": 1,
                                "peak_flop_per_s": 1e12, "bandwidth_bytes_per_s": 1e11,
                                "coefficients": coefficients()}  # fmt: skip
    return float(service_s(**usual | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({}, 0.001 + 0.008 / 0.5),
        ({"work_flop": 8e6}, 0.001 + 0.001 / 0.5),
        ({"batch": 4}, 0.001 + 4 * 0.008 / 0.5),
        ({"work_flop": 8e6, "activation_bytes": 5e7, "batch": 4}, 0.001 + 0.003 / 0.5),
        ({"units": 16}, 0.001 + 0.008 / 16**0.8 / 0.5),
        ({"units": 0.25}, 0.001 + 4 * 0.008 / 0.5),
        ({"bandwidth_bytes_per_s": math.nan, "work_flop": 8e6}, 0.001 + 8e-6 / 0.5),
        ({"coefficients": coefficients(engine_factor=2.0)}, 0.034),
    ],
)
def test_service_time_worked_out_by_hand(case: dict[str, object], expected: float) -> None:
    assert seconds(**case) == pytest.approx(expected, rel=1e-12)


def test_roofline_takes_the_slower_roof() -> None:
    rooflines = roofline_s(
        work_flop=[8e9, 8e9], traffic_bytes=[1e8, 1e10], peak_flop_per_s=1e12, bandwidth_bytes_per_s=1e11
    )
    assert rooflines == pytest.approx([0.008, 0.1])


@given(work, size, peak, bandwidth, more)
def test_more_work_is_never_faster(w: float, q: float, p: float, b: float, factor: float) -> None:
    common = {"weight_bytes": q, "peak_flop_per_s": p, "bandwidth_bytes_per_s": b}
    assert seconds(work_flop=w * factor, **common) >= seconds(work_flop=w, **common)
    assert seconds(work_flop=w, batch=factor, **common) >= seconds(work_flop=w, **common)


@given(work, size, peak, bandwidth, more)
def test_faster_hardware_is_never_slower(w: float, q: float, p: float, b: float, factor: float) -> None:
    usual = seconds(work_flop=w, weight_bytes=q, peak_flop_per_s=p, bandwidth_bytes_per_s=b)
    assert seconds(work_flop=w, weight_bytes=q, peak_flop_per_s=p * factor, bandwidth_bytes_per_s=b) <= usual
    assert seconds(work_flop=w, weight_bytes=q, peak_flop_per_s=p, bandwidth_bytes_per_s=b * factor) <= usual


@given(work, st.floats(0.125, 64), more, st.floats(0.1, 1.0))
def test_more_units_help_but_never_more_than_in_proportion(w: float, units: float, factor: float, gamma: float) -> None:
    found = coefficients(gamma=gamma, overhead_s=0.0)
    few, many = (seconds(work_flop=w, units=n, coefficients=found) for n in (units, units * factor))
    assert few / factor <= many * (1 + 1e-9)
    assert many <= few * (1 + 1e-9)


@given(work, more, more, st.sampled_from([1e11, math.nan]))
def test_interval_is_ordered_and_doubt_about_the_work_widens_it(w: float, below: float, above: float, b: float) -> None:
    arguments = (1e6, 0.0, 1, 1e12, b, 1, coefficients())
    low, mid, high = service_interval_s((w / below, w, w * above), *arguments)
    sure_low, sure_mid, sure_high = service_interval_s((w, w, w), *arguments)
    assert low <= mid <= high
    assert mid == sure_mid
    assert low <= sure_low * (1 + 1e-12)
    assert high >= sure_high * (1 - 1e-12)


def test_spreads_add_in_quadrature() -> None:
    found = coefficients(overhead_s=0.0)
    low, mid, high = service_interval_s((4e9, 8e9, 24e9), 1.0, 0.0, 1, 1e12, 1e11, 1, found)
    assert high / mid == pytest.approx(math.exp(math.hypot(math.log(3), math.log(3))))
    assert low / mid == pytest.approx(math.exp(-math.hypot(math.log(0.5), math.log(0.5))))


def test_unknown_bandwidth_widens_the_interval() -> None:
    known, blind = (
        service_interval_s((8e9, 8e9, 8e9), 1.0, 0.0, 1, 1e12, b, 1, coefficients()) for b in (1e11, math.nan)
    )
    assert blind[1] == known[1]
    assert blind[2] / blind[1] == pytest.approx(math.exp(math.hypot(math.log(3), math.log(1.5))))
    assert blind[1] / blind[0] == pytest.approx(math.exp(math.hypot(math.log(2), math.log(1.5))))


@pytest.mark.parametrize(
    ("device", "kind", "precision", "fidelity"),
    [
        ("raspberry-pi-5", "cpu-edge-arm", "fp16", "calibrated"),
        ("raspberry-pi-5", "cpu-edge-arm", "fp32", "class"),
        ("another-board", "cpu-edge-arm", "fp16", "class"),
        ("another-board", "cpu-edge-arm", "fp8", "class"),
        ("a-controller", "mcu", "int8", "theoretical"),
    ],
)
def test_lookup_falls_back_from_device_to_kind_to_theory(
    calibration: Calibration, device: str, kind: str, precision: str, fidelity: str
) -> None:
    found = calibration.lookup([device], [kind], [precision], ["ncnn"])
    assert FIDELITIES[int(found.fidelity[0])] == fidelity


def test_kind_without_the_precision_is_less_certain(calibration: Calibration) -> None:
    found = calibration.lookup(["x", "x"], ["cpu-edge-arm"] * 2, ["fp8", "fp16"], ["ncnn"] * 2)
    own = calibration.fits["cpu-edge-arm", "*", "*"]
    assert found.efficiency[0] == own.efficiency
    assert found.high_factor[0] > own.high_factor


def test_engine_without_measurements_has_no_factor_and_a_wider_interval(calibration: Calibration) -> None:
    plain = replace(calibration, effects=Effects({}, calibration.effects.centres))
    found = plain.lookup(["nvidia-t4"] * 2, ["gpu-datacenter"] * 2, ["int8"] * 2, ["tensorrt", "unheard-of"])
    assert found.engine_factor[1] == 1.0
    assert found.engine_factor[0] == calibration.engines["gpu-datacenter", "tensorrt"].factor
    assert found.low_factor[1] < found.low_factor[0]
    assert found.high_factor[1] > found.high_factor[0]


def test_workstation_boards_share_the_class_values_of_consumer_boards(
    calibration: Calibration,
) -> None:
    found = calibration.lookup(["x", "x"], ["gpu-workstation", "gpu-consumer"], ["fp16"] * 2, ["pytorch"] * 2)
    assert found.efficiency[0] == found.efficiency[1]


@pytest.mark.parametrize(
    ("peaks", "precision", "expected"),
    [
        ({"fp32": 1.0, "int8": 4.0}, "int8", 4.0),
        ({"fp32": 1.0, "fp16": 2.0}, "int8", 2.0),
        ({"fp32": 1.0}, "int8", 1.0),
        ({"int8": 4.0}, "fp32", None),
    ],
)
def test_missing_rate_falls_back_as_the_hardware_does(
    calibration: Calibration, peaks: dict[str, float], precision: str, expected: float | None
) -> None:
    assert calibration.peak_flop_per_s(peaks, precision) == expected


def test_axes_broadcast_over_units_and_batches(calibration: Calibration) -> None:
    found = calibration.lookup(["x", "y"], ["cpu-server", "gpu-datacenter"], ["fp32", "int8"], ["openvino", "tensorrt"])
    batch, units = np.array([1, 4, 16]), np.array([1.0, 2.0, 4.0, 8.0])[:, None]
    ends = service_interval_s((8e9, 8e9, 8e9), 1e8, 0.0, batch, 1e12, 1e11, units, found.with_axes(2))
    assert [end.shape for end in ends] == [(2, 4, 3)] * 3


def test_committed_calibration_loads_and_covers_every_kind_that_is_judged() -> None:
    packed = load_calibration()
    kinds = [
        "gpu-datacenter",
        "gpu-consumer",
        "gpu-workstation",
        "cpu-server",
        "cpu-client",
        "cpu-edge-arm",
        "edge-npu",
    ]
    found = packed.lookup(["nowhere"] * len(kinds), kinds, ["int8"] * len(kinds), ["unheard-of"] * len(kinds))
    assert {FIDELITIES[code] for code in found.fidelity} == {"class"}
    assert ((found.low_factor < 1) & (found.high_factor > 1) & (found.overhead_s > 0) & (found.efficiency > 0)).all()


@given(peak, bandwidth, more, st.floats(0.0, 0.8))
def test_more_peak_or_more_bandwidth_is_never_slower(rate: float, width: float, factor: float, exponent: float) -> None:
    found = coefficients(balance_exponent=exponent, balance=100.0)

    def usual(**changes: float) -> float:
        return seconds(**{"peak_flop_per_s": rate, "bandwidth_bytes_per_s": width, "coefficients": found} | changes)

    assert usual(peak_flop_per_s=rate * factor) <= usual() * (1 + 1e-9)
    assert usual(bandwidth_bytes_per_s=width * factor) <= usual() * (1 + 1e-9)


def test_a_device_of_the_usual_balance_or_of_unknown_bandwidth_attains_its_peak() -> None:
    found = coefficients(balance_exponent=0.5, balance=100.0)
    assert float(attainable_flop_per_s(1e12, 1e10, found)) == pytest.approx(1e12)
    assert float(attainable_flop_per_s(4e12, 1e10, found)) == pytest.approx(2e12)
    assert float(attainable_flop_per_s(4e12, math.nan, found)) == 4e12
