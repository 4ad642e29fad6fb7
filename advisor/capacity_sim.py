"""Queues simulated for traffic that no formula covers: traces, days, bursts, autoscaling, scale to zero.

The public names; each is documented where it is defined.
"""

from advisor.sim_arrivals import arrivals, counted
from advisor.sim_batches import simulate_batches
from advisor.sim_files import read_arrivals
from advisor.sim_fleet import Scaler
from advisor.sim_queue import simulate
from advisor.sim_results import SimulatedQueue
from advisor.sim_scaling import Autoscaled, autoscale, scaler
from advisor.sim_service import Service
from advisor.sim_tokens import SimulatedGeneration, simulate_generation

__all__ = [
    "Autoscaled",
    "Scaler",
    "Service",
    "SimulatedGeneration",
    "SimulatedQueue",
    "arrivals",
    "autoscale",
    "counted",
    "read_arrivals",
    "scaler",
    "simulate",
    "simulate_batches",
    "simulate_generation",
]
