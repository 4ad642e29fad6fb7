"""A small inference server: one ONNX model over the KServe v2 protocol, on HTTP and gRPC."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from advisor.errors import MeasureError, MissingExtraError
from advisor.lab.app import App
from advisor.lab.jobs import within_bounds
from advisor.lab.model_service import ModelService
from advisor.lab.settings import settings
from advisor.lab.workers import ModelWorkers


def serve(
    model: str | Path,
    *,
    host: str | None = None,
    port: int | None = None,
    grpc_port: int | None = None,
    threads: int = 1,
    workers: int = 1,
    stall_s: float = 0,
    stall_after: int = 0,
    on_start: Callable[[str], object] = lambda _: None,
) -> None:
    """Serve a model until interrupted.

    Parameters
    ----------
    model : str or Path
        ONNX file, or name of a model of ``advisor.lab.zoo``.
    host : str, optional
        Address to listen on; by default 127.0.0.1, so that no other machine gets through.
    port : int, optional
        Port; 0 takes a free one.
    grpc_port : int, optional
        Port for gRPC beside it, with the same workers; 0 takes a free one.
    threads : int, default 1
        Threads that one inference may use.
    workers : int, default 1
        Inferences that may run at once.
    stall_s : float, default 0
        For teaching and tests: the whole server freezes once for so long.  [s]
    stall_after : int, default 0
        Inference requests before the freeze.
    on_start : callable, optional
        Called with each address of the model once the server listens: that of HTTP, then that of gRPC.

    Raises
    ------
    MissingExtraError
        If a library is not installed.
    MeasureError, ModelFileError, UnknownIdError
        Whatever keeps the model from being served.
    """
    need("uvicorn")
    table = settings()["serve"]
    host, port = host or table["host"], table["port"] if port is None else port
    for field, value in (("port", port), ("stall_s", stall_s), ("stall_after", stall_after)):
        within_bounds(field, value, table["bounds"])
    if grpc_port is not None:
        need("grpc")
        within_bounds("grpc_port", grpc_port, table["bounds"])
    workers_of_model = ModelWorkers(model, threads=threads, workers=workers)
    service = ModelService(workers_of_model, stall_s=stall_s, stall_after=stall_after)
    with closing(_listening(host, port)) as listening, asyncio.Runner(loop_factory=_loop_factory(grpc_port)) as runner:
        runner.run(_served(service, listening, host, grpc_port, on_start))


async def _served(
    service: ModelService, listening: socket.socket, host: str, grpc_port: int | None, on_start: Callable[[str], object]
) -> None:
    import uvicorn

    config = uvicorn.Config(App(service), lifespan="off", ws="none", log_level="warning", access_log=False)
    config.load()
    server, bound = await _grpc(service, host, grpc_port)
    shown = f"[{host}]" if ":" in host else host
    on_start(f"http://{shown}:{listening.getsockname()[1]}/v2/models/{service.name}")
    if server is not None:
        on_start(f"grpc://{shown}:{bound}/{service.name}")
    try:
        await uvicorn.Server(config).serve(sockets=[listening])
    finally:
        if server is not None:
            await server.stop(None)


async def _grpc(service: ModelService, host: str, port: int | None) -> tuple[Any, int | None]:
    """Server for gRPC that has started, and its port; None where none is wished."""
    if port is None:
        return None, None
    from advisor.lab.grpc_app import GrpcApp

    return await GrpcApp(service).listening(host, port)


def _loop_factory(grpc_port: int | None) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Event loop that gRPC can watch its socket on; the usual one of Windows cannot."""
    return asyncio.SelectorEventLoop if grpc_port is not None and sys.platform == "win32" else None


def need(library: str) -> None:
    """Raise MissingExtraError unless a library of the extra ``serve``, ``grpc`` or ``locust`` is installed."""
    if find_spec(library) is None:
        extra = library if library in ("grpc", "locust") else "serve"
        raise MissingExtraError("missing_serve", library=library, extra=extra)


def _listening(host: str, port: int) -> socket.socket:
    """Socket that listens; small answers are sent at once, for waiting for more would add 40 ms to many."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=settings()["serve"]["backlog"])
    except OSError as error:
        raise MeasureError("serve_address", host=host, port=port, reason=error.strerror or str(error)) from None
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
