"""The user's own servers and boards, as rows of the table of machines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from advisor.claims import Record, Source
from advisor.knowledge import HERE, Knowledge

if TYPE_CHECKING:
    import pandas as pd

OWN_SERVICE, EDGE_SERVICE = "own-server", "edge-device"


def servers(knowledge: Knowledge, codes: Mapping[str, int]) -> "pd.DataFrame":
    """Own servers; ``codes`` are the numbers of the devices by their ids."""
    import pandas as pd

    devices = knowledge.devices
    return pd.DataFrame(
        [
            {
                "name": server.name,
                "provider": "",
                "service": HERE if server.id == HERE else OWN_SERVICE,
                "region": "",
                "trait": "",
                "since": _claimed(server, "price"),
                "source": server.id,
                "basis": _basis(server, "power" if server.id == HERE else "price"),
                "device": codes[server.device],
                "site": 1,
                "place": -1,
                "units": float(server.count),
                "memory_bytes": server.memory,
                "unit_memory_bytes": devices[server.device].memory or np.nan,
                "usd_per_hour": np.nan,
                "upfront_usd": server.price,
                "power_w": server.power,
                "age_days": 0.0,
                "terms": -1,
            }
            for server in knowledge.servers.values()
        ]
    )


def boards(knowledge: Knowledge, codes: Mapping[str, int]) -> "pd.DataFrame":
    """Devices that stand alone, each at the price and power of its board."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "name": device.name,
                "provider": "",
                "service": EDGE_SERVICE,
                "region": "",
                "trait": "",
                "since": _claimed(device, "board.price"),
                "source": device.id,
                "basis": _basis(device, "board.price"),
                "device": codes[device.id],
                "site": 2,
                "place": -1,
                "units": 1.0,
                "memory_bytes": device.board.memory,
                "unit_memory_bytes": np.nan,
                "usd_per_hour": np.nan,
                "upfront_usd": np.nan if device.board.price is None else device.board.price,
                "power_w": device.board.power,
                "age_days": 0.0,
                "terms": -1,
            }
            for device in knowledge.devices.values()
            if device.board
        ]
    )


def _claimed(record: Record, fact: str) -> str:
    claim = record.claim(fact)
    return "" if claim is None else str(claim.dated)


def _basis(record: Record, fact: str) -> str:
    return "sourced" if isinstance(record.claim(fact), Source) else "estimate"
