"""What a load test asks: a model in this process, a function, or an endpoint over HTTP or gRPC."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

from advisor.errors import MeasureError
from advisor.lab.jobs import within_bounds
from advisor.lab.settings import settings
from advisor.lab.workers import ModelWorkers, Served, Workers

Kind = Literal["kserve", "openai", "json", "grpc"]
Goal = str | Path | Callable[[], object]

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from one request; times that the target does not tell are NaN."""

    failure: str = ""
    """What went wrong, such as ``timeout`` or ``http 503``; empty for a good answer."""
    queue_s: float = _NAN
    """Wait in the target."""
    service_s: float = _NAN
    delay_s: float = _NAN
    """Part of the service in which the target waited for a processor."""
    first_token: float = _NAN
    """Moment of the first token, by the clock of the client.  [s]"""
    tpot_s: float = _NAN


class Target(Protocol):
    """Something that answers requests."""

    name: str
    workers: int | None
    """Requests that it serves at once; None where it does not tell."""

    async def open(self) -> None:
        """Get ready, with one request that is not counted."""

    async def ask(self) -> Answer:
        """Answer to one request."""

    async def close(self) -> None:
        """Let go of what ``open`` took."""


class TargetOptions(TypedDict, total=False):
    """How a target is asked.

    Parameters
    ----------
    workers : int, default 1
        Worker threads of a model or function; of an endpoint that does not tell, what the prediction assumes.
    threads : int, default 1
        Threads that one inference of a model may use.
    kind : {"kserve", "openai", "json", "grpc"}, optional
        Protocol of an endpoint; by default what its address looks like.
    body : mapping, optional
        Request to an endpoint, as JSON.
    headers : mapping, optional
        Headers of each request to an endpoint.
    yes_this_is_my_server : bool, default False
        Allows an endpoint on another machine.
    """

    workers: int
    threads: int
    kind: Kind | None
    body: Mapping[str, Any] | None
    headers: Mapping[str, str]
    yes_this_is_my_server: bool


def target_of(goal: Goal, options: TargetOptions) -> Target:
    """Target that a path, a name of the zoo, a function or an address stands for."""
    if unknown := sorted(set(options) - set(TargetOptions.__annotations__)):
        raise TypeError(f"a target takes no {', '.join(unknown)}")
    workers = options.get("workers", 1)
    within_bounds("workers", workers, settings()["load"]["bounds"])
    if callable(goal):
        return _Function(goal, workers)
    if isinstance(goal, str) and goal.lower().startswith(("http://", "https://")):
        from advisor.lab.endpoints import endpoint

        return endpoint(goal, options)
    if isinstance(goal, str) and goal.lower().startswith(("grpc://", "grpcs://")):
        from advisor.lab.grpc_endpoint import grpc_endpoint

        return grpc_endpoint(goal, options)
    if isinstance(goal, str) and "://" in goal:
        raise MeasureError("field", field="target", value=goal, must="http(s)://..., grpc(s)://..., model.onnx")
    return _Model(goal, workers=workers, threads=options.get("threads", 1))


class _Local:
    """Worker threads of this process."""

    def __init__(self, name: str, pool: Workers) -> None:
        self.name = name
        self.workers: int | None = pool.count
        self._pool = pool
        self._arguments: tuple[Any, ...] = ()

    async def open(self) -> None:
        await self._pool.call(*self._arguments)

    async def ask(self) -> Answer:
        outcomes = await asyncio.gather(self._pool.call(*self._arguments), return_exceptions=True)
        outcome: Served | BaseException = outcomes[0]
        if isinstance(outcome, Served):
            return Answer(queue_s=outcome.queue_s, service_s=outcome.service_s, delay_s=outcome.delay_s)
        return Answer(failure=type(outcome).__name__)

    async def close(self) -> None:
        self._pool.close()


class _Function(_Local):
    def __init__(self, function: Callable[[], object], workers: int) -> None:
        super().__init__(getattr(function, "__name__", type(function).__name__), Workers(function, workers))


class _Model(_Local):
    def __init__(self, model: str | Path, *, workers: int, threads: int) -> None:
        pool = ModelWorkers(model, threads=threads, workers=workers)
        super().__init__(pool.job.model, pool)
        self._arguments = (pool.feed,)
