"""What the inference server answers: health, metadata and inference of one model, as an ASGI application."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from advisor.errors import MeasureError
from advisor.lab.kserve import (
    BINARY,
    HEADER_LENGTH,
    TIMING,
    WORKERS,
    document_of,
    message,
    parameters_of,
    tensors_of,
)
from advisor.lab.model_service import ModelService
from advisor.lab.settings import settings

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
    service : ModelService
        Model that it answers for.
    """

    def __init__(self, service: ModelService) -> None:
        self._service = service
        model = f"/v2/models/{service.name}"
        self._facts: dict[str, Any] = {
            "/v2/health/live": {"live": True},
            "/v2/health/ready": {"ready": True},
            "/v2": {"name": "advisor", "version": "2", "extensions": [BINARY]},
            model: service.metadata,
            f"{model}/ready": {"name": service.name, "ready": True},
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
        self._service.stall()
        header = dict(scope["headers"]).get(HEADER_LENGTH.encode())
        length = None if header is None else _length(header, len(body))
        document = document_of(body, length)
        tail = b"" if length is None else body[length:]
        feed = tensors_of(document.get("inputs", ()), tail, self._service.takes)
        outputs, times = await self._service.inferred(feed)
        binary = bool(parameters_of(document).get("binary_data_output"))
        answer = {key: document[key] for key in ("id",) if key in document}
        made = message({"model_name": self._service.name, **answer}, "outputs", outputs, binary=binary)
        headers = {**_JSON, TIMING: times, WORKERS: str(self._service.workers.count)}
        if made.header_length is not None:
            headers |= {"content-type": "application/octet-stream", HEADER_LENGTH: str(made.header_length)}
        return 200, headers, made.body


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
