"""English words on a Chinese page that are no names: what tests of the command line and of reports look for."""

import re
from functools import cache

from advisor import Requirements, load
from advisor.knowledge import read_table
from advisor.paths import DATA
from advisor.schema import FAMILIES

CHINESE = re.compile("[一-鿿]")
ENGLISH = re.compile(r"[A-Za-z]{4,}")
UNITS = "Mbit Gbit TOPS QPS USD TTFT TPOT eMMC MIPI ONNX Kubernetes Serverless"
TERMS = "Android CloudWatch CMSIS EfficientDet FlatBuffers GStreamer gRPC Hopper HTTP KServe PaddlePaddle Python RISC"
SYSTEMS = "Gemma Mendel openEuler scikit-learn Vulkan WebAssembly Kubernetes Operator Model Garden"
SERVICES = "GitHub Actions Azure DevOps Defender Entra Monitor"
CODE = "data/costs.toml True ModelSpec(family=..., params=...) advisor measure data/servers.toml data/devices.toml"


@cache
def names() -> frozenset[str]:
    """Words of four letters and more that name products, hardware, places, sources, models, licences and fields."""
    knowledge = load()
    records = [*knowledge.systems.values(), *knowledge.devices.values(), *knowledge.models.values()]
    said = [text for record in records for text in (record.id, record.name, *record.aliases)]
    said += [model.licence for model in knowledge.models.values() if model.licence]
    said += [server.name for server in knowledge.servers.values()] + [*knowledge.servers]
    said += [source.title for record in records for source in record.sources]
    said += [
        str(text)
        for column in ("provider", "service", "instance_type", "region", "source")
        for text in knowledge.offers[column].unique()
    ]
    said += [
        str(text)
        for column in ("provider", "service", "region", "source")
        for text in knowledge.serverless[column].unique()
    ]
    said += [
        *knowledge.regions["carbon_source"],
        *(str(terms.get("by")) for terms in knowledge.table("energy")["pue"].values()),
    ]
    said += [
        *knowledge.regions["region"],
        *Requirements.model_fields,
        *FAMILIES,
        UNITS,
        TERMS,
        SYSTEMS,
        SERVICES,
        CODE,
        "cloud-run-gpu nvidia",
    ]
    said += [
        str(source["title"]) for source in read_table(DATA / "offers" / "sources.toml").values() if "title" in source
    ]
    return frozenset(word.lower() for text in said for word in ENGLISH.findall(text))


def english_words(text: str) -> list[str]:
    return [word for word in ENGLISH.findall(text) if word.lower() not in names()]
