"""Columns that the stages hand on: structures of arrays, one entry a candidate, run, class, cell or place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from advisor.machines import Machines
from advisor.schema import Device, Precision
from advisor.system_records import System

FloatArray = NDArray[np.float64]
Column = NDArray[np.floating[Any]]
"""Long columns are kept in single precision, which ranks as well in half the memory."""
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.integer[Any]]
Ends = tuple[FloatArray, FloatArray, FloatArray]
"""Low, mid and high of an interval."""
LOW, MID, HIGH = 0, 1, 2
PLACE, CLOUD, FUNCTION = 0, 1, 2
"""Traffic: what one place of the user sees, what the machines of a cloud carry, what its functions carry."""
TRAFFICS = 3

SHAPES = np.array([0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
"""Units (accelerators or virtual CPUs) that one worker may take."""


class ServiceClass(NamedTuple):
    """Candidates that share a service time per unit: device, engine and precision."""

    device: str
    engine: str
    precision: Precision


@dataclass(frozen=True)
class Stacks:
    """Candidates as columns of indices.

    A *run* is a machine running a service class; a candidate is a run under a platform.  Candidates lie in *blocks*
    of equal platform and class, so that the best of a block is one reduction.
    """

    machines: Machines
    devices: Sequence[Device]
    platforms: Sequence[System]
    engines: Mapping[str, System]
    classes: Sequence[ServiceClass]
    run_machine: IntArray
    run_class: IntArray
    run_traffic: IntArray
    """Traffic of every run: PLACE, CLOUD or FUNCTION."""
    run_largest: IntArray
    """Index of the largest worker shape that the machine of a run can hold."""
    run: IntArray
    """Run of every candidate."""
    platform: IntArray
    """Platform of every candidate."""
    block_start: IntArray
    """First candidate of every block."""

    def __len__(self) -> int:
        return len(self.run)


@dataclass(frozen=True)
class Network:
    """Seconds that the network adds at each place, and whether the mainland border lies between.

    Rows: the regions of the region table in their order, then clouds that name no region, the user's own site, and
    the device itself.
    """

    low_s: FloatArray
    mid_s: FloatArray
    high_s: FloatArray
    crosses_border: NDArray[np.bool_]
    same_country: NDArray[np.bool_]

    def row(self, site: IntArray, place: IntArray) -> IntArray:
        """Row of a machine: its region in a cloud, else the own site or the device."""
        unplaced = len(self.low_s) - 3
        return np.where(site == 0, np.where(place >= 0, place, unplaced), unplaced + site)


@dataclass(frozen=True)
class ClassColumns:
    """What the service classes are, as columns of shape (classes,)."""

    device: IntArray
    kind: NDArray[np.object_]
    precision: NDArray[np.object_]
    engine: NDArray[np.object_]
    accelerator: BoolArray
    """Whether a worker takes whole devices rather than cores."""
    peak_flop_per_s: FloatArray
    """Dense peak of one unit."""
    bandwidth_bytes_per_s: FloatArray
    """Of one unit; NaN where unknown."""
    unit_memory_bytes: FloatArray
    """Memory of one unit; for a vCPU the share of a machine that usually comes with it."""
    weight_bytes: FloatArray
    used_weight_bytes: FloatArray
    """Weights that one inference reads."""
    cache_bytes_per_token: FloatArray
    """Keys and values that one token leaves; zero for models that answer at once."""
    overhead_bytes: FloatArray
    """Memory of the engine itself."""
    package_bytes: FloatArray
    skills: Sequence[str]


class Cells(NamedTuple):
    """Queues that occur, as columns: one entry a (class, traffic, shape) that some machine takes."""

    klass: IntArray
    traffic: IntArray
    shape: IntArray
    arrivals_per_s: FloatArray
    service_s: Ends
    alone_s: Ends
    full_s: Ends
    first_s: Ends
    token_s: Ends
    slots: FloatArray
    batch: FloatArray
    memory_bytes: FloatArray
    service_cv: float
    arrival_cv: float
    burst_headroom: float
    """Spare capacity that bursty arrivals take where batches are served, per unit of the squared CV above 1."""
    output_tokens: int

    @property
    def together(self) -> BoolArray:
        """Whether requests may be served together: in batches, or token by token."""
        return np.asarray((self.batch > 1) | (self.output_tokens > 0))

    def token_late(self, objective_s: float | None) -> BoolArray:
        """Whether the upper end of the time per output token misses its objective."""
        return np.asarray(self.token_s[HIGH] > (np.inf if objective_s is None else objective_s))


@dataclass(frozen=True)
class Sized:
    """Fleets, as columns over the runs; times include the network."""

    cells: Cells
    cell: IntArray
    """Queue of a run."""
    shape: IntArray
    """Shape of its workers."""
    workers: Column
    """Workers on one machine."""
    replicas: Column
    """Machines at the peak, at one place for what is owned; infinite where no number suffices."""
    servers: Column
    """Servers of the queue: replicas x workers."""
    response_high_s: Column
    """p99 of the response, upper end."""
    reachable_s: Column
    """p99 of the response with any number of machines, middle of the interval."""
    first_s: Column
    """Time to the first token with any number of machines, middle of the interval."""
    misses_high: BoolArray
    """Whether only the middle of the interval meets the objectives, not its upper end."""
    trip: IntArray
    """Row of the network table."""
    q: float
    """Quantile of the response that is held."""
    functions: "Functions | None" = None

    def first_token_s(self, trips: Network, runs: IntArray) -> Ends:
        """Low, mid and high of the time to the first token of some runs, with the network and cold starts [s]."""
        low, mid, high = (
            self.cells.first_s[end][self.cell[runs]] + trip_s[self.trip[runs]] + self._cold_first_s(runs, end)
            for end, trip_s in ((LOW, trips.low_s), (MID, trips.mid_s), (HIGH, trips.high_s))
        )
        return low, mid, high

    def cold_s(self, runs: IntArray, end: int) -> FloatArray:
        """What cold starts add to the response quantile of some runs; 0 on machines [s]."""
        cold = self.functions
        return np.zeros(len(runs)) if cold is None else cold.column(cold.cold_s[end], runs)

    def _cold_first_s(self, runs: IntArray, end: int) -> FloatArray:
        cold = self.functions
        return np.zeros(len(runs)) if cold is None else cold.column(cold.cold_first_s[end], runs)


@dataclass(frozen=True)
class Functions:
    """Cold starts of the runs on functions, one entry each."""

    runs: IntArray
    """Rows of the run table, ascending."""
    cold_share: FloatArray
    """Share of the requests of a day that meet a cold start."""
    start_s: Ends
    """Median of a cold start."""
    start_log_sd: FloatArray
    """Standard deviation of the logarithm of a cold start."""
    cold_s: Ends
    """What cold starts add to the response quantile."""
    cold_first_s: Ends
    """What they add to the quantile of the time to the first token."""
    provisioned: FloatArray
    """Instances kept warm day and night, so that the objective holds; 0 where it holds without, or cannot."""
    on_provisioned: FloatArray
    """Share of the requests that they serve."""
    alive_s: FloatArray
    """Time that other instances than those live, per request."""
    without: "Functions | None" = None
    """The same with no instance kept warm; None where these are it."""

    @property
    def mean_start_s(self) -> FloatArray:
        """Mean of a cold start, middle of the interval."""
        return np.asarray(self.start_s[MID] * np.exp(self.start_log_sd**2 / 2))

    def at(self, run: int) -> int | None:
        """Entry of a run, None where it is on machines."""
        entry = int(np.searchsorted(self.runs, run))
        return entry if entry < len(self.runs) and self.runs[entry] == run else None

    def column(self, values: FloatArray, runs: IntArray) -> FloatArray:
        """What some runs have of a column of the functions; 0 for those on machines."""
        entry = np.minimum(np.searchsorted(self.runs, runs), len(self.runs) - 1)
        return np.where(self.runs[entry] == runs, values[entry], 0.0)


@dataclass(frozen=True)
class Bill:
    """Money and people's time."""

    usd_per_month: Column
    """Sum of the known lines, shape (candidates,); NaN where the price of what runs the model is unknown."""
    known: BoolArray
    """Whether every line has a price, shape (candidates,); else the sum is the least that has to be paid."""
    hours_per_month: Column
    """People's hours, shape (candidates,)."""
    upfront_usd: FloatArray
    """Money before the start for one machine, shape (machines,)."""


@dataclass(frozen=True)
class Plan:
    """One way of serving per (class, traffic, shape); ``shape_index`` has the shape (classes, traffics)."""

    service_s: Ends
    """Low, mid and high of the time of a worker that a request takes where as many as may are served together."""
    alone_s: Ends
    """Time of a batch of one; of a decoding step of one sequence for language models."""
    full_s: Ends
    """Time of a full batch; of a decoding step of as many sequences as there are slots."""
    batch: FloatArray
    """Requests that are served as one at most."""
    slots: FloatArray
    """Requests that one worker serves at once."""
    first_s: Ends
    """Time to the first token on an idle worker; zero for models that answer at once."""
    token_s: Ends
    """Quantile of the time per output token with all slots taken; zero for models that answer at once."""
    memory_bytes: FloatArray
    """Memory of one worker, engine included."""
    shape_index: IntArray
    """Preferred units per worker; a smaller machine takes the largest shape that fits it."""
