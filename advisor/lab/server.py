"""A small inference server: one ONNX model over the KServe v2 protocol on HTTP."""

import socket
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from advisor.errors import MeasureError, MissingExtraError
from advisor.lab.app import App
from advisor.lab.jobs import within_bounds
from advisor.lab.settings import settings
from advisor.lab.workers import ModelWorkers


def serve(
    model: str | Path,
    *,
    host: str | None = None,
    port: int | None = None,
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
    threads : int, default 1
        Threads that one inference may use.
    workers : int, default 1
        Inferences that may run at once.
    stall_s : float, default 0
        For teaching and tests: the whole server freezes once for so long.  [s]
    stall_after : int, default 0
        Inference requests before the freeze.
    on_start : callable, optional
        Called with the address of the model once the server listens.

    Raises
    ------
    MissingExtraError
        If a library is not installed.
    MeasureError, ModelFileError, UnknownIdError
        Whatever keeps the model from being served.
    """
    need("uvicorn")
    import uvicorn

    table = settings()["serve"]
    host, port = host or table["host"], table["port"] if port is None else port
    for field, value in (("port", port), ("stall_s", stall_s), ("stall_after", stall_after)):
        within_bounds(field, value, table["bounds"])
    app = App(ModelWorkers(model, threads=threads, workers=workers), stall_s=stall_s, stall_after=stall_after)
    with closing(_listening(host, port)) as listening:
        shown = f"[{host}]" if ":" in host else host
        on_start(f"http://{shown}:{listening.getsockname()[1]}/v2/models/{app.name}")
        config = uvicorn.Config(app, lifespan="off", ws="none", log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


def need(library: str) -> None:
    """Raise MissingExtraError unless a library of the extra ``serve`` is installed."""
    if find_spec(library) is None:
        raise MissingExtraError("missing_serve", library=library)


def _listening(host: str, port: int) -> socket.socket:
    """Socket that listens; small answers are sent at once, for waiting for more would add 40 ms to many."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=settings()["serve"]["backlog"])
    except OSError as error:
        raise MeasureError("serve_address", host=host, port=port, reason=error.strerror or str(error)) from None
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
