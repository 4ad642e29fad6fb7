"""Users for Locust, where one machine is too few: ``locust -f "$(advisor locustfile)" -H ADDRESS --rate 100``.

Each user has moments of its own, Poisson with its share of the rate, and counts from them; together they are Poisson
with the whole rate.  A user asks one thing at a time, so it may send late; its latency still counts from its moment.
"""

import asyncio
import math
import random
import sys
import time
from argparse import Namespace
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner

from advisor.errors import AdvisorError, MeasureError
from advisor.lab.endpoints import Request, body_of, endpoint
from advisor.lab.jobs import within_bounds
from advisor.lab.settings import settings
from advisor.text import preferred_language, sentence
from advisor.units import MS_PER_S

_OK = 200
_BAD_INPUT = 2
_COUNTS = ("requests", "late")
_clock = time.perf_counter


class Tally:
    """Requests of this process; on the master, of all workers."""

    request: ClassVar[Request | None] = None
    """What is sent."""
    counts: ClassVar[dict[str, int]] = dict.fromkeys(_COUNTS, 0)


class PoissonUser(FastHttpUser):
    """User with one request at a time, due at moments that are fixed before anything is known of the answers."""

    insecure = False
    network_timeout = connection_timeout = float(settings()["load"]["timeout_s"])

    def on_start(self) -> None:
        """Draw the first moment."""
        options = _options(self.environment)
        self._mean_gap_s = users_for(options) / options.rate
        self._due = _clock() + self._gap_s()
        self._begun = False

    def wait_time(self) -> float:
        """Seconds until the next moment, which may have gone by while an answer was waited for."""
        left_s = self._due - _clock()
        Tally.counts["late"] += left_s < 0
        return max(0.0, left_s)

    @task
    def ask(self) -> None:
        """Send what is due and count from its moment; the first call comes before there is anything due."""
        if Tally.request is None:
            raise StopUser
        if not self._begun:
            self._begun = True
            return
        intended, self._due = self._due, self._due + self._gap_s()
        Tally.counts["requests"] += 1
        url, headers, body = Tally.request
        with self.client.post(
            url,
            data=body,  # type: ignore[arg-type]  # bytes are taken as well
            headers=dict(headers),
            allow_redirects=False,
            catch_response=True,
        ) as answer:
            answer.request_meta["response_time"] = (_clock() - intended) * MS_PER_S
            if answer.status_code != _OK:
                answer.failure(f"http {answer.status_code}")

    def _gap_s(self) -> float:
        return random.expovariate(1 / self._mean_gap_s)


class Bounded(LoadTestShape):
    """As many users as the rate needs, all at once, until the time is over."""

    def tick(self) -> tuple[int, float] | None:
        """Users and how many of them begin a second; None at the end."""
        if self.runner is None:
            return None
        options = _options(self.runner.environment)
        users = users_for(options)
        return (users, users) if self.get_run_time() < options.seconds else None


def users_for(options: Namespace) -> int:
    """Users so many that few of them wait for an answer when their next request is due."""
    table = settings()["locust"]
    waiting = options.rate * options.expected_ms / MS_PER_S
    users: int = math.ceil(table["users_per_waiting"] * waiting)
    return min(max(users, int(table["least_users"])), int(table["most_users"]))


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    table = settings()["locust"]
    kinds: dict[str, dict[str, Any]] = {
        "rate": {"type": float},
        "seconds": {"type": float, "default": float(table["seconds"])},
        "expected_ms": {"type": float, "default": float(table["expected_ms"])},
        "kind": {"choices": ("kserve", "openai", "json")},
        "body": {},
        "yes_this_is_my_server": {"action": "store_true"},
    }
    for name, kind in kinds.items():
        flag, variable = f"--{name.replace('_', '-')}", f"ADVISOR_{name.upper()}"
        parser.add_argument(flag, env_var=variable, include_in_web_ui=False, **kind)


@events.init.add_listener
def _check(environment: Environment, **_: Any) -> None:
    """End before the start where what was asked for is out of bounds."""
    if isinstance(environment.runner, WorkerRunner):
        return
    options = _options(environment)
    environment.reset_stats = True
    environment.stop_timeout = settings()["load"]["timeout_s"]
    try:
        if options.rate is None:
            raise MeasureError("field", field="rate", value=None, must="--rate 100")
        wished = {"rate_per_s": options.rate, "seconds": options.seconds, "expected_ms": options.expected_ms}
        for field, value in wished.items():
            within_bounds(field, value, settings()["locust"]["bounds"])
    except AdvisorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(_BAD_INPUT)


@events.test_start.add_listener
def _prepare(environment: Environment, **_: Any) -> None:
    """Find out what to send, with one request that is not counted; end where that does not work."""
    options = _options(environment)
    Tally.counts.update(dict.fromkeys(_COUNTS, 0))
    wishes: dict[str, Any] = {"kind": options.kind, "yes_this_is_my_server": options.yes_this_is_my_server}
    try:
        wishes["body"] = None if options.body is None else body_of(options.body)
        Tally.request = asyncio.run(_ready(environment.host or "", wishes))
    except AdvisorError as error:
        sys.stderr.write(f"{error}\n")
        environment.process_exit_code = _BAD_INPUT
        if environment.runner is not None:
            environment.runner.quit()


async def _ready(address: str, wishes: Any) -> Request:
    found = endpoint(address, wishes)
    try:
        async with asyncio.timeout(settings()["load"]["timeout_s"]):
            await found.open()
    except TimeoutError:
        raise MeasureError("load_refused", value=address, reason="timeout") from None
    finally:
        await found.close()
    return found.request


@events.report_to_master.add_listener
def _report(data: dict[str, Any], **_: Any) -> None:
    data["advisor"] = dict(Tally.counts)
    Tally.counts.update(dict.fromkeys(_COUNTS, 0))


@events.worker_report.add_listener
def _reported(data: dict[str, Any], **_: Any) -> None:
    for name, count in data.get("advisor", {}).items():
        Tally.counts[name] += count


@events.quitting.add_listener
def _say(environment: Environment, **_: Any) -> None:
    """Say how far the users were from an open loop."""
    if not isinstance(environment.runner, WorkerRunner) and Tally.counts["requests"]:
        late, count = (f"{Tally.counts[name]:,}" for name in ("late", "requests"))
        sys.stderr.write(sentence("locust.note", preferred_language(), late=late, count=count) + "\n")


def _options(environment: Environment) -> Namespace:
    options = environment.parsed_options
    if not isinstance(options, Namespace):
        raise MeasureError("field", field="rate", value=None, must="--rate 100")
    return options
