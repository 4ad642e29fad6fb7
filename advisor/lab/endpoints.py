"""HTTP endpoints as targets of a load test: KServe v2, OpenAI-compatible chat completions, and plain JSON."""

import ipaddress
import json
import math
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from advisor.errors import MeasureError, why_not
from advisor.lab.kserve import BINARY, HEADER_LENGTH, TIMES, TIMING, WORKERS, filled, message
from advisor.lab.server import need
from advisor.lab.settings import settings
from advisor.lab.targets import Answer, Kind, TargetOptions
from advisor.lab.workers import usual_feed
from advisor.units import MS_PER_S

_OK = 200
_KINDS = ("kserve", "openai", "json")
_DATA = b"data:"
_END = b"[DONE]"


class Request(NamedTuple):
    """A POST request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def endpoint(address: str, options: TargetOptions) -> "Endpoint":
    """Endpoint at an address.

    Raises
    ------
    MissingExtraError
        If aiohttp is not installed.
    MeasureError
        If the address is on another machine and not said to be the caller's own, or there is no request to send.
    """
    need("aiohttp")
    refuse_remote(address, options)
    kind = options.get("kind") or _kind_of(address)
    if kind not in _KINDS:
        raise MeasureError("field", field="kind", value=kind, must=", ".join(_KINDS))
    body = options.get("body")
    if body is None and kind != "kserve":
        raise MeasureError("load_needs_body", value=address)
    return _CLASSES[kind](address, body, options.get("headers", {}), options.get("workers"))


def body_of(file: str) -> dict[str, Any]:
    """Request in a JSON file.

    Raises
    ------
    MeasureError
        If the file cannot be read, or holds no JSON object.
    """
    try:
        body = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise MeasureError("load_file_missing", file=file, reason=why_not(error)) from None
    except (ValueError, RecursionError):
        raise MeasureError("load_file", file=file) from None
    if not isinstance(body, dict):
        raise MeasureError("load_file", file=file)
    return body


def refuse_remote(address: str, options: TargetOptions) -> None:
    """Raise MeasureError if an address is on another machine and not said to be the caller's own."""
    if not is_loopback(address) and not options.get("yes_this_is_my_server", False):
        raise MeasureError("load_remote", value=address)


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine by its form alone; names other than localhost are not looked up."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _kind_of(address: str) -> Kind:
    path = urlsplit(address).path.rstrip("/")
    if re.search(r"/v2/models/[^/]+(/versions/[^/]+)?(/infer)?$", path):
        return "kserve"
    return "openai" if path.endswith("/chat/completions") else "json"


def answer_of(timing: str) -> Answer:
    """Good answer, with the times that a server tells of it."""
    times = dict(re.findall(r"(\w+)\s*;\s*dur=([0-9.]+)", timing))
    queue_s, service_s, delay_s = (float(times.get(name, math.nan)) / MS_PER_S for name in TIMES)
    return Answer(queue_s=queue_s, service_s=service_s, delay_s=delay_s)


class Endpoint:
    """Plain JSON: a POST of one body.

    Parameters
    ----------
    address : str
        What is asked.
    body : mapping, optional
        Request.
    headers : mapping
        Headers of each request.
    workers : int, optional
        Requests that the server serves at once, where it does not tell.
    """

    def __init__(
        self, address: str, body: Mapping[str, Any] | None, headers: Mapping[str, str], workers: int | None
    ) -> None:
        self.name = self._url = address
        self.workers = workers
        self._document = body
        self._headers = {"content-type": "application/json", **headers}
        self._body = b""
        self._session: Any = None

    @property
    def request(self) -> Request:
        """What every request is, once it is open."""
        return Request(self._url, dict(self._headers), self._body)

    async def open(self) -> None:
        """Connect and make sure of a good answer."""
        import aiohttp

        connector = aiohttp.TCPConnector(limit=settings()["load"]["connections"])
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        await self._prepare()
        first = await self.ask()
        if first.failure:
            raise MeasureError("load_refused", value=self._url, reason=first.failure)

    async def ask(self) -> Answer:
        """Answer to one request; a redirection is not followed, for it may lead to another machine."""
        import aiohttp

        try:
            async with self._session.post(
                self._url, data=self._body, headers=self._headers, allow_redirects=False
            ) as response:
                if response.status != _OK:
                    return Answer(failure=f"http {response.status}")
                return await self._read(response)
        except (aiohttp.ClientError, OSError) as error:
            return Answer(failure=type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _prepare(self) -> None:
        self._body = json.dumps(self._document).encode()

    async def _read(self, response: Any) -> Answer:
        await response.read()
        if (count := response.headers.get(WORKERS, "")).isdecimal():
            self.workers = int(count)
        return answer_of(response.headers.get(TIMING, ""))


class _KServe(Endpoint):
    """KServe v2: the request is filled from the model's metadata unless it is given."""

    def __init__(self, address: str, *given: Any) -> None:
        super().__init__(address, *given)
        self._model_url = address.rstrip("/").removesuffix("/infer")
        self._url = f"{self._model_url}/infer"

    async def _prepare(self) -> None:
        if self._document is not None:
            await super()._prepare()
            return
        inputs = filled((await self._fact(self._model_url)).get("inputs", ()))
        if inputs is None:
            raise MeasureError("load_needs_body", value=self._url)
        tensors = usual_feed(inputs)
        root = self._model_url[: self._model_url.index("/v2/models/")]
        binary = BINARY in (await self._fact(f"{root}/v2")).get("extensions", ())
        parameters = {"parameters": {"binary_data_output": True}} if binary else {}
        made = message(parameters, "inputs", tensors, binary=binary)
        self._body = made.body
        if made.header_length is not None:
            self._headers |= {"content-type": "application/octet-stream", HEADER_LENGTH: str(made.header_length)}

    async def _fact(self, url: str) -> Mapping[str, Any]:
        import aiohttp

        try:
            async with self._session.get(url, headers=self._headers, allow_redirects=False) as response:
                if response.status != _OK:
                    raise MeasureError("load_refused", value=url, reason=f"http {response.status}")
                fact = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise MeasureError("load_refused", value=url, reason=type(error).__name__) from None
        return fact if isinstance(fact, dict) else {}


class _Chat(Endpoint):
    """OpenAI-compatible chat completions: the answer is streamed, token by token."""

    async def _prepare(self) -> None:
        asked = {"stream_options": {"include_usage": True}, **(self._document or {}), "stream": True}
        self._body = json.dumps(asked).encode()

    async def _read(self, response: Any) -> Answer:
        moments: list[float] = []
        tokens = 0
        async for line in response.content:
            data = line.strip().removeprefix(_DATA).strip()
            if not line.startswith(_DATA) or data == _END:
                continue
            try:
                piece = json.loads(data)
                moments += [time.perf_counter()] * any(map(_says, piece.get("choices") or ()))
                tokens = (piece.get("usage") or {}).get("completion_tokens", tokens)
            except (ValueError, AttributeError):
                return Answer(failure="no event stream")
        if not moments:
            return Answer(failure="no token")
        gaps = (tokens or len(moments)) - 1
        tpot_s = (moments[-1] - moments[0]) / gaps if gaps > 0 else math.nan
        return Answer(first_token=moments[0], tpot_s=tpot_s)


def _says(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta") or {}
    return any(delta.get(name) for name in ("content", "reasoning_content", "tool_calls"))


_CLASSES: dict[str, type[Endpoint]] = {"kserve": _KServe, "openai": _Chat, "json": Endpoint}
