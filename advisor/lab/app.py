"""What the inference server answers: health, metadata and inference of one model, as an ASGI application."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from advisor.errors import MeasureError
from advisor.lab.kserve import (
    BINARY,
    HEADER_LENGTH,
    TIMING,
    WORKERS,
    datatype_of,
    document_of,
    message,
    parameters_of,
    tensors_of,
)
from advisor.lab.settings import settings
from advisor.lab.workers import ModelWorkers
from advisor.units import MS_PER_S

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]

_JSON = {"content-type": "application/json"}


class App:
    """ASGI application that answers for one model.

    Parameters
    ----------
    workers : ModelWorkers
        Model and the threads that run it.
    stall_s, stall_after
        As for ``advisor.lab.server.serve``.
    """

    def __init__(self, workers: ModelWorkers, *, stall_s: float = 0, stall_after: int = 0) -> None:
        self.name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(workers.job.model).stem)
        self._workers = workers
        self._takes = {name: (datatype_of(kind), shape) for name, kind, shape in workers.inputs}
        self._stall_s = stall_s
        self._until_stall = stall_after + 1 if stall_s else 0
        model = f"/v2/models/{self.name}"
        self._facts: dict[str, Any] = {
            "/v2/health/live": {"live": True},
            "/v2/health/ready": {"ready": True},
            "/v2": {"name": "advisor", "version": "2", "extensions": [BINARY]},
            model: self._metadata(),
            f"{model}/ready": {"name": self.name, "ready": True},
        }
        self._infer_path = f"{model}/infer"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            status, headers, body = await self._answer(scope, receive)
        except MeasureError as error:
            status, headers, body = 400, _JSON, json.dumps({"error": str(error)}).encode()
        sent = {**headers, "content-length": str(len(body))}
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path = scope["path"].rstrip("/")
        if path == self._infer_path:
            return await self._inferred(scope, receive) if scope["method"] == "POST" else _refusal(405)
        if path not in self._facts:
            return _refusal(404)
        if scope["method"] not in ("GET", "HEAD"):
            return _refusal(405)
        return 200, _JSON, json.dumps(self._facts[path]).encode()

    async def _inferred(self, scope: Scope, receive: Receive) -> Answer:
        body = await _body(receive)
        if body is None:
            return _refusal(413)
        self._stall()
        header = dict(scope["headers"]).get(HEADER_LENGTH.encode())
        length = None if header is None else _length(header, len(body))
        document = document_of(body, length)
        tail = b"" if length is None else body[length:]
        feed = tensors_of(document.get("inputs", ()), tail, self._takes)
        served = await self._workers.call(feed)
        named = {name: array for (name, _, _), array in zip(self._workers.outputs, served.result, strict=True)}
        binary = bool(parameters_of(document).get("binary_data_output"))
        answer = {key: document[key] for key in ("id",) if key in document}
        made = message({"model_name": self.name, **answer}, "outputs", named, binary=binary)
        times = f"queue;dur={served.queue_s * MS_PER_S:.4f}, service;dur={served.service_s * MS_PER_S:.4f}"
        headers = {**_JSON, TIMING: times, WORKERS: str(self._workers.count)}
        if made.header_length is not None:
            headers |= {"content-type": "application/octet-stream", HEADER_LENGTH: str(made.header_length)}
        return 200, headers, made.body

    def _stall(self) -> None:
        """Freeze the event loop, and so the whole server, before the request that it is meant for."""
        self._until_stall -= 1
        if self._until_stall == 0:
            time.sleep(self._stall_s)

    def _metadata(self) -> dict[str, Any]:
        def listed(entries: list[tuple[str, str, list[Any]]]) -> list[dict[str, Any]]:
            return [
                {
                    "name": name,
                    "datatype": datatype_of(kind),
                    "shape": [size if isinstance(size, int) else -1 for size in shape],
                }
                for name, kind, shape in entries
            ]

        sides = {"inputs": listed(self._workers.inputs), "outputs": listed(self._workers.outputs)}
        return {"name": self.name, "versions": ["1"], "platform": "onnxruntime_onnx", **sides}


def _refusal(status: int) -> Answer:
    return status, _JSON, json.dumps({"error": HTTPStatus(status).phrase}).encode()


async def _body(receive: Receive) -> bytes | None:
    """Body of a request; None where it is too long."""
    parts: list[bytes] = []
    most = settings()["serve"]["most_bytes"]
    while True:
        event = await receive()
        parts.append(event.get("body", b""))
        if sum(map(len, parts)) > most:
            return None
        if not event.get("more_body"):
            return b"".join(parts)


def _length(header: bytes, most: int) -> int:
    text = header.decode("latin-1")
    if not text.isdecimal() or int(text) > most:
        raise MeasureError("field", field=HEADER_LENGTH, value=text, must=f"0 ... {most}")
    return int(text)
