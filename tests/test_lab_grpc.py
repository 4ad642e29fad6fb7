"""KServe v2 over gRPC: the server and the client of the load test, and what either refuses."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import pytest

from advisor import cli
from advisor.errors import AdvisorError, MeasureError
from advisor.lab import closed_loop, load_test, ramp, zoo
from advisor.lab.grpc_messages import SERVICE, message_class, request_of, tensors_in
from advisor.lab.kserve import tensors_of
from advisor.lab.targets import target_of
from advisor.text import languages

ROOT = Path(__file__).resolve().parent.parent
STALL_S = 1.2


class Served(NamedTuple):
    """A server process of its own, and the addresses of its model."""

    process: subprocess.Popen[str]
    http: str
    grpc: str


@contextmanager
def server(*arguments: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "advisor", "serve", "digits", "--port", "0", "--grpc-port", "0", "--lang", "en"]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT)
    try:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        yield Served(process, *re.findall(r"(?:http|grpc)://127\.0\.0\.1:\d+/\S*digits", said))
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with server("--workers", "2") as served:
        yield served.grpc


def called(address: str, method: str, **fields: Any) -> Any:
    """Answer to one call of a method."""
    return answered(address, method, message_class(f"{method}Request")(**fields))


def answered(address: str, method: str, request: Any) -> Any:
    with grpc.insecure_channel(address.removeprefix("grpc://").partition("/")[0]) as channel:
        call = channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=message_class(f"{method}Request").SerializeToString,
            response_deserializer=message_class(f"{method}Response").FromString,
        )
        return call(request, timeout=20)


# The messages


def test_messages_are_those_of_other_implementations() -> None:
    """The bytes are what the stubs of Triton's own client make of the same request."""
    theirs = bytes.fromhex(
        "0a066469676974731a013722070a0161120210032a270a05696d6167651204465033321a04010102022a12"
        "3210000000000000803f0000004000004040"
    )
    request = message_class("ModelInferRequest").FromString(theirs)
    assert (request.model_name, request.id, request.parameters["a"].int64_param) == ("digits", "7", 3)
    tensors = tensors_in(request, {"image": ("FP32", (1, 1, 2, 2))})
    np.testing.assert_array_equal(tensors["image"].ravel(), [0, 1, 2, 3])
    assert request.SerializeToString() == theirs


@pytest.mark.parametrize("kind", ["bool", "uint8", "int16", "int64", "uint64", "float16", "float32", "float64"])
def test_tensors_come_back_as_they_were_sent(kind: str) -> None:
    tensor = np.arange(6).reshape(2, 3).astype(kind)
    request = request_of("m", {"x": tensor})
    (back,) = tensors_in(request, {"x": (request.inputs[0].datatype, (-1, 3))}).values()
    assert back.dtype == tensor.dtype
    np.testing.assert_array_equal(back, tensor)


# The server


def test_the_server_tells_what_kserve_asks(model: str) -> None:
    assert called(model, "ServerLive").live
    assert called(model, "ServerReady").ready
    assert called(model, "ModelReady", name="digits").ready
    assert not called(model, "ModelReady", name="other").ready
    assert not called(model, "ModelReady", name="digits", version="2").ready
    assert called(model, "ServerMetadata").name == "advisor"
    about = called(model, "ModelMetadata", name="digits", version="1")
    assert (about.name, about.platform, list(about.versions)) == ("digits", "onnxruntime_onnx", ["1"])
    assert [(x.name, x.datatype, list(x.shape)) for x in about.inputs] == [("image", "FP32", [-1, 1, 8, 8])]
    assert [(x.name, x.datatype, list(x.shape)) for x in about.outputs] == [("logits", "FP32", [-1, 10])]


@pytest.mark.parametrize("raw", [True, False])
def test_the_server_infers_what_the_model_does(model: str, raw: bool) -> None:
    images, _ = zoo.pictures(3)
    request = request_of("digits", {"image": images[:, None]})
    if not raw:
        del request.raw_input_contents[:]
        request.inputs[0].contents.fp32_contents.extend(images.ravel().tolist())
    request.id = "7"
    answer = answered(model, "ModelInfer", request)
    assert (answer.model_name, answer.id) == ("digits", "7")
    entry = {"name": "logits", "datatype": "FP32", "shape": list(answer.outputs[0].shape)}
    sized = {**entry, "parameters": {"binary_data_size": len(answer.raw_output_contents[0])}}
    logits = tensors_of([sized], answer.raw_output_contents[0], {"logits": ("FP32", (3, 10))})["logits"]
    np.testing.assert_array_equal(logits.argmax(axis=1), zoo.classify(images))


IMAGE = np.zeros((1, 1, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("name", "tensors", "code"),
    [
        ("other", {"image": IMAGE}, grpc.StatusCode.NOT_FOUND),
        ("digits", {"other": IMAGE}, grpc.StatusCode.INVALID_ARGUMENT),
        ("digits", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("digits", {"image": IMAGE[0]}, grpc.StatusCode.INVALID_ARGUMENT),
        ("digits", {"image": IMAGE.astype(np.float64)}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_a_bad_request_is_refused_with_a_sentence(
    model: str, name: str, tensors: dict[str, Any], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        answered(model, "ModelInfer", request_of(name, tensors))
    assert caught.value.code() == code
    assert caught.value.details().endswith(".")


def test_a_tensor_without_its_data_is_refused(model: str) -> None:
    request = request_of("digits", {"image": IMAGE})
    del request.raw_input_contents[:]
    with pytest.raises(grpc.RpcError) as caught:
        answered(model, "ModelInfer", request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


# Load


def test_the_server_is_tested_under_load_by_its_metadata_alone(model: str) -> None:
    run = load_test(model, rate_per_s=50, seconds=2)
    assert not run.failed
    assert (run.target, run.workers) == (model, 2)
    assert (run.service_s + run.queue_s <= run.done_s - run.sent_s).all()
    assert run.predicted_s(0.9) is not None
    assert not closed_loop(model, seconds=0.3, kind="grpc").failed


def test_a_request_may_be_given_as_the_json_of_kserve(model: str) -> None:
    body = {"inputs": [{"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": [0] * 64}]}
    assert not load_test(model, rate_per_s=20, seconds=0.5, body=body, headers={"X-Caller": "me"}).failed


@pytest.mark.parametrize("first", ["http", "grpc"])
def test_a_freeze_is_charged_to_all_who_waited_whatever_protocol_they_speak(first: str) -> None:
    with server("--stall", str(STALL_S), "--stall-after", "60") as served:
        before, after = (served.http, served.grpc) if first == "http" else (served.grpc, served.http)
        calm = load_test(before, trace=[place * 0.01 for place in range(30)])
        run = load_test(after, rate_per_s=50, seconds=3)
    assert not calm.failed
    assert not run.failed
    assert calm.response_s.max() < STALL_S
    worst = int(run.response_s.argmax())
    assert STALL_S * 0.9 <= run.response_s[worst] < STALL_S + 1
    thaw_s = run.done_s[worst]
    waited = (run.intended_s > run.intended_s[worst]) & (run.intended_s < thaw_s - 0.2)
    assert waited.sum() > 50 * (STALL_S - 0.3) / 2
    assert (run.response_s[waited] >= thaw_s - run.intended_s[waited] - 0.25).all()


def test_a_server_that_goes_away_makes_failures_and_no_gap() -> None:
    with server() as served:

        def gone(share: float) -> None:
            if share > 0.3:
                served.process.kill()

        run = load_test(served.grpc, rate_per_s=50, seconds=2, on_progress=gone)
    assert set(run.failed) == {"grpc UNAVAILABLE"}
    assert np.isfinite(run.response_s[run.intended_s < 0.4]).all()
    assert np.isinf(run.response_s[run.intended_s > 1.5]).all()


@pytest.mark.parametrize(
    ("ending", "reason"), [("digitz", "grpc NOT_FOUND"), ("", "grpc://host:port/model"), ("digits", "UNAVAILABLE")]
)
def test_an_address_that_leads_nowhere_is_a_sentence(model: str, ending: str, reason: str) -> None:
    root = "grpc://127.0.0.1:9/" if reason == "UNAVAILABLE" else model.removesuffix("digits")
    with pytest.raises(MeasureError) as caught:
        load_test(f"{root}{ending}", rate_per_s=1, seconds=1)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "kserve"}, {"body": {}}, {"body": {"inputs": [{"name": "image", "datatype": "TEXT", "shape": [1]}]}},
        {"body": {"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8], "data": [0]}]}},
        {"body": {"inputs": [{"name": "image", "datatype": "FP32", "shape": "x", "data": [0]}]}},
        {"body": {"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 64], "data": [0] * 64}]}},
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_sentence(model: str, options: dict[str, Any]) -> None:
    with pytest.raises(AdvisorError) as caught:
        load_test(model, rate_per_s=1, seconds=1, **options)
    assert str(caught.value).endswith(".")


REMOTE = ["grpc://example.org:8001/m", "grpcs://192.0.2.1:8001/m", "grpc://127.0.0.1@example.org:1/m", "grpc:///m"]


@pytest.mark.parametrize("address", REMOTE)
def test_another_machine_is_refused_unless_it_is_ones_own(address: str) -> None:
    for test in (
        lambda: load_test(address, rate_per_s=1, seconds=1),
        lambda: closed_loop(address, seconds=1),
        lambda: ramp(address, 10, start_per_s=1),
    ):
        with pytest.raises(MeasureError) as caught:
            test()
        assert caught.value.code == "load_remote"
    if address != "grpc:///m":
        assert target_of(address, {"yes_this_is_my_server": True}).name == address


@pytest.mark.parametrize("address", ["grpc://127.0.0.1/m", "grpc://127.0.0.1:port/m", "grpc://127.0.0.1:99999/m"])
def test_an_address_without_a_port_is_a_sentence(address: str) -> None:
    with pytest.raises(MeasureError, match="grpc://host:port/model"):
        load_test(address, rate_per_s=1, seconds=1)


# The command line


def test_the_command_line_asks_over_grpc(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", model, "--rate", "50", "--seconds", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == {}


@pytest.mark.parametrize("lang", languages())
def test_a_port_that_is_taken_is_one_sentence(model: str, capfd: pytest.CaptureFixture[str], lang: str) -> None:
    port = model.rpartition(":")[2].partition("/")[0]
    assert cli.main(["serve", "digits", "--port", "0", "--grpc-port", port, "--lang", lang]) == 2
    assert port in capfd.readouterr().err.strip().splitlines()[-1]
    assert cli.main(["serve", "digits", "--grpc-port", "70000", "--lang", lang]) == 2
    assert "65535" in capfd.readouterr().err
