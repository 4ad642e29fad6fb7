"""What a server of one model knows and does, whatever protocol asks."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.lab.kserve import Array, datatype_of, timing
from advisor.lab.workers import ModelWorkers, Served

VERSIONS = ("", "1")
"""Names of the only version that there is."""


class ModelService:
    """One model, its name and its metadata.

    Parameters
    ----------
    workers : ModelWorkers
        Model and the threads that run it.
    stall_s, stall_after
        As for ``advisor.lab.server.serve``.
    """

    def __init__(self, workers: ModelWorkers, *, stall_s: float = 0, stall_after: int = 0) -> None:
        self.name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(workers.job.model).stem)
        self.workers = workers
        self.takes = {name: (datatype_of(kind), shape) for name, kind, shape in workers.inputs}
        self._stall_s = stall_s
        self._until_stall = stall_after + 1 if stall_s else 0

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the model, as KServe v2 has them."""
        sides = {"inputs": _listed(self.workers.inputs), "outputs": _listed(self.workers.outputs)}
        return {"name": self.name, "versions": [VERSIONS[-1]], "platform": "onnxruntime_onnx", **sides}

    def stall(self) -> None:
        """Freeze the event loop, and so the whole server, before the request that it is meant for."""
        self._until_stall -= 1
        if self._until_stall == 0:
            time.sleep(self._stall_s)

    async def inferred(self, feed: Mapping[str, Array]) -> tuple[dict[str, Array], str]:
        """Outputs by name, and the times in the server."""
        served: Served = await self.workers.call(feed)
        named = {name: array for (name, _, _), array in zip(self.workers.outputs, served.result, strict=True)}
        return named, timing(queue_s=served.queue_s, service_s=served.service_s, delay_s=served.delay_s)


def _listed(entries: list[tuple[str, str, list[Any]]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "datatype": datatype_of(kind),
            "shape": [size if isinstance(size, int) else -1 for size in shape],
        }
        for name, kind, shape in entries
    ]
