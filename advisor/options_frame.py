"""Every stack that fits as one table, a column a fact; made when somebody asks for all of them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from advisor import under_load
from advisor.billed import usd_per_month_of
from advisor.columns import Column, IntArray
from advisor.evaluation import Evaluation
from advisor.machines import SITES
from advisor.options import families_of, option_ids
from advisor.units import MS_PER_S

if TYPE_CHECKING:
    import pandas as pd


def options_frame(ev: Evaluation, key: Column) -> "pd.DataFrame":
    """Stacks that fit, in the order of their rank key, the cheaper first where it is equal."""
    import pandas as pd

    rows = np.flatnonzero(ev.mask == 0)
    rows = rows[np.lexsort((ev.bill.usd_per_month[rows], -key[rows]))]
    run = ev.found.run[rows]
    machine, klass = ev.found.run_machine[run], ev.found.run_class[run]
    machines = ev.found.machines
    low, mid, high = under_load.response_s(ev.sized, ev.trips, run)
    platforms = [system.platform for system in ev.found.platforms if system.platform]
    places = np.where(machines.site[machine] == 0, 1, ev.asking.asked.sites)
    return pd.DataFrame(
        {
            "id": option_ids(ev.found, rows),
            "family": _first_families(ev, rows),
            "provider": machines.provider[machine],
            "region": machines.region[machine],
            "site": np.array(SITES, object)[machines.site[machine]],
            "operation": np.array([p.operation for p in platforms], object)[ev.found.platform[rows]],
            "engine": ev.columns.engine[klass],
            "hardware": machines.name[machine],
            "precision": ev.columns.precision[klass],
            "replicas": (ev.sized.replicas[run] * places).astype(int),
            "usd_per_month": usd_per_month_of(ev.ledger, run, ev.found.platform[rows])[0],
            "usd_per_month_known": ev.bill.known[rows],
            "p99_low_ms": low * MS_PER_S,
            "p99_ms": mid * MS_PER_S,
            "p99_high_ms": high * MS_PER_S,
            "score": ev.score[rows],
            "fidelity": ev.fidelities[ev.sized.cell[run]],
            "price_date": machines.since[machine],
        }
    )


def _first_families(ev: Evaluation, rows: IntArray) -> NDArray[np.object_]:
    found = ev.found
    code = found.platform[rows].astype(np.int64) * len(found.classes) + found.run_class[found.run[rows]]
    kinds, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    names = np.array([families_of(ev, int(rows[row]))[0] for row in first], object)
    return names[inverse] if len(kinds) else np.zeros(0, object)
