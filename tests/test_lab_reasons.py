"""What onnxruntime says becomes a reason that a person can read."""

import pytest

from advisor.lab.sessions import reason_of
from advisor.lab.settings import settings

CODE = "[ONNXRuntimeError] : 1 : FAIL : "
LOAD = f"{CODE}Load model from /tmp/a b.onnx failed:"
RUN = f"{CODE}Non-zero status code returned while running Cast node. Name:'a' Status Message: "
SOURCE = "/onnxruntime_src/onnxruntime/core/graph/model.cc:256 "
MADE = f"{SOURCE}onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&) "
OF_A_TYPE = f"{SOURCE}onnxruntime::Div<T>::Div(const onnxruntime::OpKernelInfo&) [with T = int] "
CHECKED = "/onnxruntime_src/include/onnxruntime/core/types.h:656 void onnxruntime::Check() const "


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (f"{LOAD}Fatal error: nobody:Fast(-1) is not registered", "Fatal error: nobody:Fast(-1) is not registered"),
        (f"{LOAD}{MADE}Unsupported IR version: 99, most is 14\n", "Unsupported IR version: 99, most is 14"),
        (f"{RUN}indices out of bounds.", "Cast: indices out of bounds"),
        (f"{CODE}Exception: {OF_A_TYPE}b[i] != T{{0}}. Division by zero", "Exception: b[i] != T{0}. Division by zero"),
        (f"{RUN}{CHECKED}called_ == 1 was false: 0", "Cast: called_ == 1 was false: 0"),
        (f"{LOAD}This is an invalid model. Error: the graph is not acyclic.", "the graph is not acyclic"),
        ("Unable to allocate 93.1 GiB", "Unable to allocate 93.1 GiB"),
    ],
)
def test_a_reason_leaves_codes_and_places_out(said: str, reason: str) -> None:
    assert reason_of(RuntimeError(said)) == reason


def test_a_reason_has_an_end() -> None:
    most = settings()["child"]["reason_characters"]
    assert reason_of(RuntimeError("A" * 100_000)) == "A" * most + "…"
