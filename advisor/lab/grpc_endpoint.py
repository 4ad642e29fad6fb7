"""Servers that speak KServe v2 over gRPC, as targets of a load test."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from advisor.errors import MeasureError
from advisor.lab.endpoints import answer_of, refuse_remote
from advisor.lab.grpc_messages import SERVICE, channel_options, message_class, request_of
from advisor.lab.kserve import NUMPY, TIMING, WORKERS, Array, filled, tensors_of
from advisor.lab.server import need
from advisor.lab.targets import Answer, TargetOptions
from advisor.lab.workers import usual_feed


def grpc_endpoint(address: str, options: TargetOptions) -> "GrpcEndpoint":
    """Model of a server at ``grpc://host:port/model``, or ``grpcs://`` for an encrypted connection.

    Raises
    ------
    MissingExtraError
        If grpcio is not installed.
    MeasureError
        If the address is on another machine and not said to be the caller's own, or names no port or model.
    """
    need("grpc")
    refuse_remote(address, options)
    if options.get("kind") not in (None, "grpc"):
        raise MeasureError("field", field="kind", value=options.get("kind"), must="grpc")
    place = urlsplit(address)
    if not _port_of(place) or not place.path.strip("/"):
        raise MeasureError("field", field="target", value=address, must="grpc://host:port/model")
    return GrpcEndpoint(place, options.get("body"), options.get("headers", {}), options.get("workers"))


def _port_of(place: SplitResult) -> int | None:
    try:
        return place.port
    except ValueError:
        return None


class GrpcEndpoint:
    """One model of a server; all requests share one connection.

    Parameters
    ----------
    place : SplitResult
        Parts of its address.
    body : mapping, optional
        Request as the JSON of KServe v2; by default it is filled from the metadata of the model.
    headers : mapping
        Metadata of each call.
    workers : int, optional
        Requests that the server serves at once, where it does not tell.
    """

    def __init__(
        self, place: SplitResult, body: Mapping[str, Any] | None, headers: Mapping[str, str], workers: int | None
    ) -> None:
        self.name = place.geturl()
        self.workers = workers
        self._place = place
        self._model = place.path.strip("/")
        self._document = body
        self._metadata = [(name.lower(), value) for name, value in headers.items()]
        self._channel: Any = None
        self._infer: Any = None
        self._request = b""

    async def open(self) -> None:
        """Connect and make sure of a good answer."""
        import grpc

        host = f"[{self._place.hostname}]" if ":" in (self._place.hostname or "") else self._place.hostname
        address, options = f"dns:///{host}:{self._place.port}", channel_options()
        if self._place.scheme == "grpcs":
            self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(), options=options)
        else:
            self._channel = grpc.insecure_channel(address, options=options)
        self._infer = self._channel.unary_unary(f"/{SERVICE}/ModelInfer")
        self._request = request_of(self._model, await self._tensors()).SerializeToString()
        first = await self.ask()
        if first.failure:
            raise MeasureError("load_refused", value=self.name, reason=first.failure)

    async def ask(self) -> Answer:
        """Answer to one request."""
        call = await self._called(self._infer, self._request)
        if failure := _failure(call):
            return Answer(failure=failure)
        told = dict(call.trailing_metadata() or ())
        if (count := str(told.get(WORKERS, ""))).isdecimal():
            self.workers = int(count)
        return answer_of(str(told.get(TIMING, "")))

    async def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()

    async def _tensors(self) -> dict[str, Array]:
        if self._document is not None:
            return _given(self._document.get("inputs"))
        asked = message_class("ModelMetadataRequest")(name=self._model).SerializeToString()
        call = await self._called(self._channel.unary_unary(f"/{SERVICE}/ModelMetadata"), asked)
        if failure := _failure(call):
            raise MeasureError("load_refused", value=self.name, reason=failure)
        told = message_class("ModelMetadataResponse").FromString(call.result())
        inputs = filled([{"name": x.name, "datatype": x.datatype, "shape": list(x.shape)} for x in told.inputs])
        if inputs is None:
            raise MeasureError("load_needs_body", value=self.name)
        return usual_feed(inputs)

    async def _called(self, method: Any, request: bytes) -> Any:
        """Call that has ended; gRPC runs it in threads of its own, on any event loop of any system."""
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(end)

        call = method.future(request, metadata=self._metadata)
        call.add_done_callback(tell)
        try:
            await ended
        finally:
            call.cancel()
        return call


def _failure(call: Any) -> str:
    """What went wrong with a call; empty for a good answer."""
    return "" if call.exception() is None else f"grpc {call.code().name}"


def _given(inputs: Any) -> dict[str, Array]:
    """Tensors that a request lists, as it describes them itself."""
    listed = [entry for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
    for entry in listed:
        if entry.get("datatype") not in NUMPY:
            raise MeasureError("field", field="inputs.datatype", value=entry.get("datatype"), must=", ".join(NUMPY))
    takes = {str(entry.get("name")): (entry["datatype"], entry.get("shape") or []) for entry in listed}
    if not takes:
        raise MeasureError("kserve_json")
    return tensors_of(listed, b"", takes)
