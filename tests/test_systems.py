"""What every system of the packed knowledge holds: points in both languages, limits, skills, claims, a successor."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator

import pytest
from named import named, words
from pydantic import ValidationError

from advisor import load
from advisor.claims import Words
from advisor.paths import DATA
from advisor.system_records import Family, System

SYSTEMS = sorted(load().systems)
SECTIONS = ("strengths", "weaknesses", "scenarios")
FEWEST = {"strengths": 2, "weaknesses": 1, "scenarios": 1}

# The systems that the product is to know, as people call them; a legacy name counts when it resolves.
ASKED_FOR = (
    *("AWS SageMaker", "EC2", "AWS Lambda", "AWS ECS", "AWS EKS"),
    *("AI Platform", "Vertex AI", "Compute Engine", "Google Cloud Functions", "Cloud Run", "GKE"),
    *("Azure ML", "Azure VM", "Azure Functions", "Azure Container Apps", "AKS"),
    *("PAI-EAS", "阿里云 ECS", "阿里云函数计算", "阿里云 ACK"),
    *("TI-ONE", "腾讯云 CVM", "腾讯云 SCF", "腾讯云 TKE"),
    *("ModelArts", "华为云 ECS", "FunctionGraph", "华为云 CCE"),
    *("own server", "private cloud"),
    *("Jetson Nano", "Jetson TX2", "Jetson Xavier NX", "Jetson AGX Xavier"),
    *("Jetson Orin Nano", "Jetson Orin NX", "Jetson AGX Orin"),
    *("Raspberry Pi", "Raspberry Pi 4", "Raspberry Pi 5", "Coral", "Hailo"),
    *("smart camera", "IoT gateway", "microcontroller"),
    *("Docker", "Kubernetes", "k3s"),
    *("Triton", "TensorRT", "ONNX Runtime", "PyTorch", "vLLM", "TensorRT-LLM", "llama.cpp", "OpenVINO"),
    *("LiteRT", "LiteRT Micro", "Neuron", "CANN", "MindIE", "RKNN"),
)
DATED = re.compile(r"\d{4}(-Q[1-4]|-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH_PROSE = re.compile(r"(?<![\w-])[a-z]{2,}(?:,? [a-z]{2,}){2,}(?![\w-])")
WESTERN_COMMA = re.compile(r"[\u4e00-\u9fff][,;:!?]")


def texts(record: System | Family) -> Iterator[tuple[str, Words]]:
    yield "summary", record.summary
    for section in SECTIONS:
        for point in getattr(record, section):
            yield f"{section}/{point.id}", point
    if isinstance(record, System):
        for number, bound in enumerate(record.limits):
            yield f"limits/{number}", bound


def has_limits_in_a_table(system: System) -> bool:
    """Functions have theirs in the table of functions, hardware in the records of its devices."""
    knowledge = load()
    if system.platform:
        functions = knowledge.serverless
        of_provider = functions[functions.provider == system.platform.provider].service
        return any(str(row).startswith(service) for row in of_provider for service in system.platform.services)
    if system.hardware:
        return all(knowledge.devices[device].peak for device in system.hardware.devices)
    return False


@pytest.mark.parametrize("text", ASKED_FOR)
def test_every_system_that_was_asked_for_is_known(text: str) -> None:
    assert named(text), text


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_a_system_says_what_speaks_for_it_and_against_it(system_id: str) -> None:
    system = load().systems[system_id]
    counts = {section: len(getattr(system, section)) for section in SECTIONS}
    assert all(counts[section] >= fewest for section, fewest in FEWEST.items()), counts


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_a_system_states_its_limits_as_numbers(system_id: str) -> None:
    system = load().systems[system_id]
    assert system.limits or has_limits_in_a_table(system) or system.part is None


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_a_system_needs_skills_or_is_an_old_name(system_id: str) -> None:
    system = load().systems[system_id]
    assert system.skills or (system.status == "legacy" and system.part is None)


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_a_legacy_system_has_a_current_successor(system_id: str) -> None:
    systems = load().systems
    system = systems[system_id]
    if system.status == "legacy":
        assert system.successor in systems
        assert systems[system.successor].status == "current"
    else:
        assert system.successor is None


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_nothing_of_a_system_stands_without_a_claim(system_id: str) -> None:
    file = DATA / "systems" / f"{system_id}.toml"
    held = [section for section in (*SECTIONS, "limits") if getattr(load().systems[system_id], section)]
    assert held
    for section in held:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        for claim in (*raw.get("sources", []), *raw.get("estimates", [])):
            claim["fields"] = [field for field in claim["fields"] if field != section]
        with pytest.raises(ValidationError, match=section):
            System(**raw)


@pytest.mark.parametrize("system_id", SYSTEMS)
def test_claims_are_dated_and_explained(system_id: str) -> None:
    system = load().systems[system_id]
    assert system.claims
    for source in system.sources:
        assert DATED.fullmatch(source.dated), source.dated
        assert source.title.strip()
    for estimate in system.estimates:
        assert len(estimate.method) >= len("recalled from"), estimate.method


@pytest.mark.parametrize("record_id", [*SYSTEMS, *load().families])
def test_texts_are_written_in_both_languages(record_id: str) -> None:
    knowledge = load()
    record = knowledge.systems[record_id] if record_id in knowledge.systems else knowledge.families[record_id]
    for place, text in texts(record):
        assert text.en.strip(), place
        assert not CHINESE.search(text.en), f"{place}: {text.en}"
        assert CHINESE.search(text.zh), f"{place}: {text.zh}"
        assert not ENGLISH_PROSE.search(text.zh), f"{place}: {text.zh}"
        assert not WESTERN_COMMA.search(text.zh), f"{place}: {text.zh}"


@pytest.mark.parametrize("record_id", [*SYSTEMS, *load().families])
def test_points_of_a_record_have_ids_of_their_own(record_id: str) -> None:
    knowledge = load()
    record = knowledge.systems[record_id] if record_id in knowledge.systems else knowledge.families[record_id]
    ids = Counter(point.id for section in SECTIONS for point in getattr(record, section))
    assert not [point for point, times in ids.items() if times > 1]


def test_a_name_means_one_system() -> None:
    owners = Counter(word for system in load().systems.values() for word in words(system))
    assert not {word: times for word, times in owners.items() if times > 1}


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("支持 TensorRT、ONNX Runtime 和 fp16、int8", False),
        ("NVIDIA Triton Inference Server 的推理服务", False),
        ("用 torch.compile 编译，再看 p99", False),
        ("这一句 is still written in English", True),
        ("延迟低, it never waits for a network", True),
    ],
)
def test_english_prose_is_told_from_product_names(text: str, prose: bool) -> None:
    assert bool(ENGLISH_PROSE.search(text)) is prose
