"""Load tests and the small server: no request is lost, and latency is what a user would have met."""

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from english_words import CHINESE, english_words
from hypothesis import given
from hypothesis import strategies as st
from loads import run_of, single_queue_s

from advisor import cli
from advisor.capacity import response_quantile_s
from advisor.errors import AdvisorError, MeasureError
from advisor.lab import LoadRun, closed_loop, load_test, ramp, ramps, zoo
from advisor.lab.endpoints import endpoint, is_loopback
from advisor.lab.kserve import document_of, message, tensors_of
from advisor.lab.load_words import load_json, load_text, ramp_json, ramp_text
from advisor.lab.runs import needed_samples
from advisor.lab.sending import Course, open_loop
from advisor.lab.targets import Answer
from advisor.lab.workers import ModelWorkers, Served, Workers
from advisor.text import languages

ROOT = Path(__file__).resolve().parent.parent
STALL_S = 1.2
RATE = 50.0


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """Address of the model that a server process of its own serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "advisor", "serve", "digits", "--port", "0", "--lang", "en", *arguments],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/v2/models/digits", process.stdout.readline())
        assert found
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with server("--workers", "2") as address:
        yield address


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = itertools.count()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/chat/completions"):
            self._tokens()
        elif self.path == "/moved":
            self._plain(302, {"location": "http://192.0.2.1/"})
        else:
            number = next(self.count)
            self._plain(503 if number and number % 4 == 0 else 200, {})

    def _plain(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": "2"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    def _tokens(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self._piece({"choices": [{"delta": {"role": "assistant"}}]})
        for pause_s in (0.1, 0.03, 0.03, 0.03, 0.03):
            time.sleep(pause_s)
            self._piece({"choices": [{"delta": {"content": "a"}}]})
        self._piece({"choices": [], "usage": {"completion_tokens": 5}})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _piece(self, document: dict[str, object]) -> None:
        self.wfile.write(b"data: " + json.dumps(document).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


# Nothing is lost


def test_every_request_is_kept_and_a_failure_is_infinitely_late() -> None:
    calls = itertools.count()

    def every_third_fails() -> None:
        if next(calls) % 3 == 2:
            raise KeyError("no")

    run = load_test(every_third_fails, rate_per_s=100, seconds=2, slo_ms=1000)
    count = len(run.failures)
    assert count == next(calls) - 1
    assert run.failed == {"KeyError": pytest.approx(count / 3, abs=1)}
    for times in (run.intended_s, run.sent_s, run.done_s, run.queue_s, run.service_s, run.response_s, run.lag_s):
        assert len(times) == count
    assert np.isinf(run.response_s).sum() == run.failed["KeyError"]
    assert np.isfinite(run.response_s[[not failure for failure in run.failures]]).all()
    p90 = run.quantile(0.9)
    assert p90 is not None
    assert p90.mid == np.inf
    assert run.answered_per_s == pytest.approx(run.offered_per_s * 2 / 3, rel=0.1)
    json.dumps(load_json(run), allow_nan=False)
    assert "KeyError" in load_text(run, "en")
    assert "∞" in load_text(run, "en")


def test_a_timeout_is_counted_and_not_dropped() -> None:
    calls = itertools.count()

    def once_slow() -> None:
        time.sleep(2 if next(calls) == 5 else 0.001)

    run = load_test(once_slow, rate_per_s=20, seconds=2, timeout_s=0.5, workers=4)
    assert run.failed == {"timeout": 1}
    assert np.isinf(run.response_s).sum() == 1
    assert run.done_s[run.failures.index("timeout")] - run.sent_s[run.failures.index("timeout")] >= 0.5


def test_the_schedule_is_poisson_and_made_again_from_its_seed() -> None:
    first, again, other = (load_test(lambda: None, rate_per_s=1000, seconds=0.7, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_allclose(first.intended_s, again.intended_s, atol=1e-6)
    assert len(other.intended_s) != len(first.intended_s) or (other.intended_s != first.intended_s).any()
    gaps_s = np.diff(first.intended_s)
    assert gaps_s.mean() == pytest.approx(1e-3, rel=0.15)
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(1, abs=0.15)
    assert (first.lag_s >= 0).all()


def test_a_trace_is_followed() -> None:
    trace = [0.1, 0.1, 0.2, 0.5]
    run = load_test("digits", trace=trace, workers=2)
    np.testing.assert_allclose(run.intended_s, trace, atol=1e-6)
    assert (run.seed, run.poisson, run.workers, run.rate_per_s) == (None, False, 2, 8.0)
    assert run.target == "digits"


def test_it_works_where_an_event_loop_runs_already() -> None:
    async def cell() -> LoadRun:
        return load_test("digits", rate_per_s=20, seconds=0.5)

    assert not asyncio.run(cell()).failed


# Coordinated omission


def test_a_stall_is_charged_to_all_who_waited_and_a_closed_loop_does_not_see_it() -> None:
    stall = ("--stall", str(STALL_S), "--stall-after", "40")
    with server(*stall) as address:
        true = load_test(address, rate_per_s=RATE, seconds=4)
    with server(*stall) as address:
        lie = closed_loop(address, rate_per_s=RATE, seconds=4)
    assert not true.failed
    assert not lie.failed
    worst = int(true.response_s.argmax())
    assert STALL_S * 0.9 <= true.response_s[worst] < STALL_S + 1
    thaw_s = true.done_s[worst]
    waited = (true.intended_s > true.intended_s[worst]) & (true.intended_s < thaw_s - 0.2)
    assert waited.sum() > RATE * (STALL_S - 0.3) / 2
    # every request that was due in the frozen time waits until the thaw, each a little less than the one before
    assert (true.response_s[waited] >= thaw_s - true.intended_s[waited] - 0.25).all()
    late_true, late_lie = (int((run.response_s > STALL_S / 3).sum()) for run in (true, lie))
    assert late_true > RATE * STALL_S / 3
    assert 1 <= late_lie <= 3
    assert lie.predicted_s(0.99) is None
    p90_true, p90_lie = true.quantile(0.9), lie.quantile(0.9)
    assert p90_true is not None
    assert p90_lie is not None
    assert p90_true.mid > STALL_S / 4
    assert p90_lie.mid < STALL_S / 6


def test_a_rate_that_cannot_be_held_shows_the_growing_latency() -> None:
    def ten_ms() -> None:
        time.sleep(0.01)

    run = load_test(ten_ms, rate_per_s=200, seconds=1.5, slo_ms=100)
    lie = closed_loop(ten_ms, seconds=0.5, slo_ms=100)
    np.testing.assert_allclose(run.response_s, single_queue_s(run.intended_s, run.service_s), rtol=0.15, atol=0.1)
    assert run.response_s[-1] > 1.1
    assert run.unanswered_at_end > 100
    assert run.answered_per_s < 101
    assert run.utilisation is not None
    assert run.utilisation > 1.5
    assert run.predicted_s(0.99) == np.inf
    assert load_json(run)["predicted_ms"]["p99"] is None
    assert run.verdict(0.1, 0.5) == "fail"
    assert np.median(lie.response_s) < 0.05


def test_a_client_that_is_late_itself_counts_from_the_intended_moment() -> None:
    class Blocking:
        name = "blocking"
        workers = 1

        async def open(self) -> None: ...

        async def ask(self) -> Answer:
            time.sleep(0.2)  # keeps the client from sending what is due
            return Answer()

        async def close(self) -> None: ...

    start = time.perf_counter()
    course = Course(1)
    asyncio.run(open_loop(Blocking(), [start + 0.05, start + 0.06, start + 0.07], 10, course))
    waits_s = [sample.done - sample.intended for sample in course.samples]
    assert waits_s[1] > 0.38
    assert waits_s[2] > 0.56
    due_s = np.arange(1.0, 101.0)
    run = run_of(due_s, np.full(100, 0.7), np.full(100, 0.1), sent_s=due_s + 0.5)
    np.testing.assert_allclose(run.response_s, 0.7)
    assert run.client_late


# What a run says


def test_the_prediction_is_that_of_the_queue_with_the_service_times_of_the_run() -> None:
    random = np.random.default_rng(5)
    due_s = np.cumsum(random.exponential(0.01, 100_000))
    service_s = random.gamma(4, 0.007 / 4, len(due_s))
    run = run_of(due_s, single_queue_s(due_s, service_s), service_s)
    for q in (0.9, 0.99):
        interval = run.quantile(q)
        assert interval is not None
        assert run.predicted_s(q) == pytest.approx(interval.mid, rel=0.05)
    assert run_of(due_s, single_queue_s(due_s, service_s), service_s, workers=None).predicted_s(0.99) is None


@given(st.integers(1, 2000), st.floats(0.001, 1))
def test_the_verdict_asks_the_whole_interval(late: int, slo_s: float) -> None:
    response_s = np.where(np.arange(2000) < late, 2 * slo_s, slo_s / 2)
    run = run_of(np.arange(1.0, 2001.0), response_s, response_s / 2, slo_s=slo_s)
    interval = run.quantile(0.99)
    assert interval is not None
    assert run.verdict() == ("pass" if interval.high <= slo_s else "fail" if interval.low > slo_s else "undecided")
    assert run.verdict() == ("pass" if late < 10 else "fail" if late > 30 else run.verdict())


def test_too_few_requests_decide_nothing() -> None:
    short = np.full(needed_samples(0.99) - 1, 0.001)
    run = run_of(np.arange(1.0, len(short) + 1), short, short / 2, slo_s=1.0)
    assert (run.quantile(0.99), run.verdict()) == (None, "undecided")


# The highest rate


def test_the_ramp_closes_in_on_the_rate_that_the_queue_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    service = 0.01

    def simulated(_: object, *, rate_per_s: float, seconds: float, slo_ms: float, **__: object) -> LoadRun:
        due_s = np.cumsum(np.random.default_rng(3).exponential(1 / rate_per_s, int(rate_per_s * seconds)))
        service_s = np.full(len(due_s), service)
        return run_of(due_s, single_queue_s(due_s, service_s), service_s, rate_per_s=rate_per_s, slo_s=slo_ms / 1e3)

    monkeypatch.setattr(ramps, "load_test", simulated)
    found = ramp("digits", 60, start_per_s=10, least_requests=100_000)
    assert found.rate_per_s is not None
    assert found.missed_per_s is not None
    assert found.rate_per_s < found.missed_per_s <= 1.1 * found.rate_per_s
    at_both = [response_quantile_s(0.99, servers=1, arrivals_per_s=rate, service_s=service, service_cv=0)
               for rate in (0.9 * found.rate_per_s, 1.1 * found.missed_per_s)]  # fmt: skip
    assert at_both[0] < 0.06 < at_both[1]


def test_the_ramp_of_a_sleeping_target_ends_below_what_it_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ramps.settings()["ramp"], "steps", 3)

    def ten_ms() -> None:
        time.sleep(0.01)

    found = ramp(ten_ms, 100, workers=4, start_per_s=200, least_requests=700)
    assert [run.rate_per_s for run in found.runs][:1] == [200]
    assert all(run.verdict() == "fail" for run in found.runs if (run.utilisation or 0) > 1.1)
    assert found.rate_per_s is not None
    assert 100 <= found.rate_per_s < 400
    assert ramp_json(found)["rate_per_s"] == found.rate_per_s
    for lang in languages():
        assert f"{found.rate_per_s:.3g}" in ramp_text(found, lang)


# Other machines, and bounds


REMOTE = [
    "http://example.org/v2/models/m", "https://192.0.2.1/v1/chat/completions", "http://127.0.0.1.example.org/",
    "http://localhost.example.org/", "http://127.0.0.1@example.org/", "http://[2001:db8::1]/", "http://0x7f000001/",
    "http://0.0.0.0/", "http:///v2/models/m",
]  # fmt: skip


@pytest.mark.parametrize("address", REMOTE)
def test_another_machine_is_refused_unless_it_is_ones_own(address: str) -> None:
    for test in (
        lambda: load_test(address, rate_per_s=1, seconds=1, body={}),
        lambda: closed_loop(address, seconds=1, body={}),
        lambda: ramp(address, 10, start_per_s=1, body={}),
    ):
        with pytest.raises(MeasureError) as caught:
            test()
        assert caught.value.code == "load_remote"
        assert "yes-this-is-my-server" in str(caught.value)
    assert endpoint(address, {"body": {}, "yes_this_is_my_server": True}).name == address


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]:2/", "http://127.9.9.9"])
def test_this_machine_is_known_by_its_addresses(address: str) -> None:
    assert is_loopback(address)


def test_a_redirection_is_a_failure_and_not_followed(plain: str) -> None:
    with pytest.raises(MeasureError, match="http 302"):
        load_test(f"{plain}/moved", rate_per_s=1, seconds=1, body={})


BAD: dict[str, dict[str, object]] = {
    "no rate": {},
    "rate and trace": {"rate_per_s": 1, "trace": [1]},
    "rate 0": {"rate_per_s": 0},
    "absurd rate": {"rate_per_s": 1e9},
    "rate that is none": {"rate_per_s": float("nan")},
    "absurd time": {"rate_per_s": 1, "seconds": 1e6},
    "too many requests": {"rate_per_s": 2000, "seconds": 600},
    "descending trace": {"trace": [1, 0.5]},
    "negative trace": {"trace": [-1, 0.5]},
    "endless trace": {"trace": [float("inf")]},
    "empty trace": {"trace": []},
    "trace of words": {"trace": ["soon"]},
    "no workers": {"rate_per_s": 1, "workers": 0},
    "no threads": {"rate_per_s": 1, "threads": 0},
    "no time": {"rate_per_s": 1, "timeout_s": 0},
    "negative seed": {"rate_per_s": 1, "seed": -1},
    "no objective": {"rate_per_s": 1, "slo_ms": 0},
}


@pytest.mark.parametrize("given_arguments", BAD.values(), ids=BAD.keys())
def test_what_is_out_of_bounds_is_a_sentence(given_arguments: dict[str, object]) -> None:
    with pytest.raises(MeasureError) as caught:
        load_test("digits", **given_arguments)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("ftp://127.0.0.1/x", {}),
        ("nothing.onnx", {}),
        ("http://127.0.0.1:9/v2/models/m", {}),
        ("http://127.0.0.1:9/answer", {}),
        ("http://127.0.0.1:9/answer", {"body": {}}),
        ("http://127.0.0.1:9/answer", {"body": {}, "kind": "soap"}),
    ],
)
def test_a_target_that_cannot_be_asked_is_a_sentence(target: str, options: dict[str, object]) -> None:
    with pytest.raises(AdvisorError) as caught:
        load_test(target, rate_per_s=1, seconds=1, **options)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")


def test_an_option_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="wrokers"):
        load_test("digits", rate_per_s=1, seconds=1, wrokers=2)  # type: ignore[call-arg]


# The server


def fetched(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=named), timeout=20) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {}, refused.read()


def test_the_server_tells_what_kserve_asks(model: str) -> None:
    root = model.partition("/v2/")[0]
    assert fetched(f"{root}/v2/health/live")[0] == fetched(f"{root}/v2/health/ready")[0] == 200
    assert fetched(f"{model}/ready")[0] == 200
    assert "binary_tensor_data" in json.loads(fetched(f"{root}/v2")[2])["extensions"]
    about = json.loads(fetched(model)[2])
    assert (about["name"], about["platform"]) == ("digits", "onnxruntime_onnx")
    assert about["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
    assert about["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]
    assert fetched(f"{root}/v2/models/other")[0] == 404
    assert fetched(f"{model}/infer")[0] == 405
    assert fetched(model, b"{}")[0] == 405


@pytest.mark.parametrize("binary", [False, True])
def test_the_server_infers_what_the_model_does(model: str, binary: bool) -> None:
    images, _ = zoo.pictures(3)
    tensors = {"image": images[:, None]}
    wish = {"id": "7", "parameters": {"binary_data_output": binary}}
    asked = message(wish, "inputs", tensors, binary=binary)
    headers = {} if asked.header_length is None else {"inference_header_content_length": str(asked.header_length)}
    status, told, body = fetched(f"{model}/infer", asked.body, **headers)
    assert status == 200
    length = int(told["inference-header-content-length"]) if binary else None
    document = document_of(body, length)
    assert (document["id"], document["model_name"]) == ("7", "digits")
    tail = b"" if length is None else body[length:]
    logits = tensors_of(document["outputs"], tail, {"logits": ("FP32", (3, 10))})["logits"]
    np.testing.assert_array_equal(logits.argmax(axis=1), zoo.classify(images))
    times = dict(re.findall(r"(\w+);dur=([0-9.]+)", told["server-timing"]))
    assert 0 < float(times["service"]) < 1000
    assert told["x-workers"] == "2"


GOOD = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": [0] * 64}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"[" * 100_000, b"{}", b"\xff", json.dumps({"inputs": "image"}).encode(),
        *(
            json.dumps({"inputs": [{**GOOD, **change}], "parameters": 3}).encode()
            for change in (
                {"name": "other"}, {"name": []}, {"shape": [1, 64]}, {"shape": "x"}, {"shape": [-1, 1, 8, 8]},
                {"shape": [2, 1, 8, 8]}, {"datatype": "FP64"}, {"data": ["x"] * 64}, {"data": None},
                {"parameters": {"binary_data_size": 5}}, {"shape": [10**12, 1, 8, 8]},
            )
        ),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_with_a_sentence(model: str, body: bytes) -> None:
    status, _, answer = fetched(f"{model}/infer", body)
    assert status == 400
    assert json.loads(answer)["error"].endswith(".")


def test_the_server_is_tested_under_load_by_its_metadata_alone(model: str) -> None:
    run = load_test(model, rate_per_s=50, seconds=2)
    assert not run.failed
    assert run.workers == 2
    assert (run.service_s + run.queue_s <= run.done_s - run.sent_s).all()
    assert run.predicted_s(0.9) is not None


# Other endpoints


def test_plain_json_counts_what_the_server_refuses(plain: str) -> None:
    run = load_test(f"{plain}/answer", rate_per_s=40, seconds=2, body={"x": 1})
    assert run.failed == {"http 503": pytest.approx(len(run.failures) / 4, abs=1)}
    assert run.utilisation is None
    assert load_json(run)["predicted_ms"] == {"p90": None, "p99": None}


def test_chat_tells_the_first_token_and_the_time_per_token(plain: str) -> None:
    run = load_test(f"{plain}/v1/chat/completions", rate_per_s=10, seconds=1, body={"model": "m", "messages": []})
    assert not run.failed
    assert 0.1 <= np.median(run.ttft_s) < 0.2
    assert 0.03 <= np.median(run.tpot_s) < 0.06
    assert (run.response_s >= run.ttft_s + 4 * run.tpot_s).all()


# The command line


def test_the_command_line_says_it_in_each_language(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["load", "digits", "--rate", "90", "--seconds", "1", "--slo-ms", "900"]
    for lang in languages():
        assert cli.main([*arguments, "--lang", lang]) == 0
        said = capsys.readouterr().out
        assert not re.search(r"\{\w*\}|\bnan\b|None", said)
        assert re.search(r"^p50[:：]", said, re.MULTILINE)
        assert bool(CHINESE.search(said)) == (lang == "zh")
        assert lang != "zh" or [word for word in english_words(said) if word != "digits"] == []
    assert cli.main(["load", "digits", "--rate", "50", "--seconds", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "load"


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["load", "http://example.org/v2/models/m", "--rate", "1"], "--yes-this-is-my-server"),
        (["load", "digits"], "--rate"),
        (["load", "digits", "--rate", "many"], "many"),
        (["load", "digits", "--rate", "1e7"], "2000"),
        (["load", "digits", "--trace", "none.txt"], "none.txt"),
        (["load", "http://127.0.0.1:9/x", "--rate", "1", "--body", "none.json"], "none.json"),
        (["load", "digits", "--ramp"], "--slo-ms"),
        (["serve", "none.onnx"], "none.onnx"),
        (["serve", "digits", "--port", "70000"], "65535"),
        (["serve", "digits", "--stall", "-1"], "-1"),
    ],
)
def test_bad_arguments_are_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], part: str, lang: str
) -> None:
    assert cli.main([*arguments, "--lang", lang]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert part in said.err
    assert bool(CHINESE.search(said.err)) == (lang == "zh")


def test_workers_of_a_model_run_side_by_side() -> None:
    workers = ModelWorkers("digits", threads=1, workers=2)

    async def both() -> list[int]:
        served = await asyncio.gather(workers.call(workers.feed), workers.call(workers.feed))
        return [len(one.result) for one in served]

    assert asyncio.run(both()) == [1, 1]
    workers.close()


def test_the_services_of_a_busy_worker_leave_no_gap_between_them() -> None:
    marks: list[float] = []

    def work() -> None:
        marks.append(time.perf_counter())
        time.sleep(0.001)
        marks.append(time.perf_counter())

    async def at_once() -> list[Served]:
        return await asyncio.gather(*(workers.call() for _ in range(40)))

    workers = Workers(work, 1)
    served = asyncio.run(at_once())
    workers.close()
    assert sum(one.service_s for one in served) >= marks[-1] - marks[0]


def test_an_idle_worker_serves_from_the_call_on() -> None:
    async def twice() -> tuple[Served, float]:
        await workers.call()
        await asyncio.sleep(0.05)
        start = time.perf_counter()
        return await workers.call(), time.perf_counter() - start

    workers = Workers(lambda: None, 1)
    second, elapsed_s = asyncio.run(twice())
    workers.close()
    assert second.queue_s == 0
    assert second.service_s <= elapsed_s


def test_a_call_that_failed_kept_its_worker_busy() -> None:
    go = threading.Event()

    def work(fails: bool) -> None:
        go.wait(10)
        if fails:
            raise KeyError("no")

    async def both() -> tuple[Served, float]:
        calls = [asyncio.create_task(workers.call(fails)) for fails in (True, False)]
        await asyncio.sleep(0)
        start = time.perf_counter()
        await asyncio.sleep(0.05)
        held_s = time.perf_counter() - start
        go.set()
        await asyncio.wait(calls)
        assert isinstance(calls[0].exception(), KeyError)
        return calls[1].result(), held_s

    workers = Workers(work, 1)
    second, held_s = asyncio.run(both())
    workers.close()
    assert second.queue_s >= held_s
