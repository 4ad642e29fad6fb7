"""One class per data folder.  A record is a TOML file; quantities carry the unit that their source prints."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from advisor.claims import Part, Record, Words, refusal
from advisor.errors import Coded, QuantityError
from advisor.units import printed, quantity

Precision = Literal["fp32", "fp16", "int8", "fp8", "int4"]
Provider = Literal["aws", "azure", "gcp", "alibaba", "tencent", "huawei", "lambda-labs", "huggingface"]
Site = Literal["cloud", "on-premises", "device"]
Operation = Literal["managed", "vm", "containers", "kubernetes", "serverless", "process"]
FAMILIES = ("edge", "on-premises", "serverless", "containers", "inference-platform", "cloud")
"""The article's families, in the order in which the first one of a stack is found."""
Skills = Literal["none", "containers", "kubernetes", "ml-platform"]
ModelFamily = Literal[
    "cnn", "detector", "segmentation", "vit", "nlp-encoder", "speech", "recsys", "diffusion", "llm", "tinyml"
]
DeviceKind = Literal[
    "gpu-datacenter",
    "gpu-workstation",
    "gpu-consumer",
    "accelerator-datacenter",
    "cpu-server",
    "cpu-client",
    "cpu-edge-arm",
    "edge-gpu-soc",
    "edge-npu",
    "igpu",
    "phone-npu",
    "mcu",
]

Assumption = tuple[str, tuple[tuple[str, float | str], ...]]
"""Code of something that had to be assumed, with its numbers; words: table [assumption] of the catalogues."""


def _quantity(kind: str) -> BeforeValidator:
    def read(value: object) -> object:
        if isinstance(value, str):
            try:
                return quantity(value, kind)
            except QuantityError:
                raise refusal("quantity", value=f'"{value}"', **_expected(kind)) from None
        raise refusal("quantity_text", value=str(value), **_expected(kind))

    return BeforeValidator(read)


def _expected(kind: str) -> dict[str, str]:
    return {"kind": Coded(f"check.kind.{kind}"), "example": printed(kind)}


Bytes = Annotated[float, _quantity("size"), Field(gt=0)]
BytesPerSecond = Annotated[float, _quantity("bandwidth"), Field(gt=0)]
FlopPerSecond = Annotated[float, _quantity("rate"), Field(gt=0)]
Macs = Annotated[float, _quantity("work"), Field(gt=0)]
Count = Annotated[float, _quantity("count"), Field(gt=0)]
Watts = Annotated[float, _quantity("power"), Field(gt=0)]
Seconds = Annotated[float, _quantity("time"), Field(ge=0)]
Usd = Annotated[float, _quantity("money"), Field(ge=0)]


class Board(Part):
    """What makes a device deployable by itself, at the edge: a box that a person can buy."""

    price: Usd | None = None
    power: Watts
    memory: Bytes
    """Memory that programs and models share."""
    storage_free: Bytes | None = None


class Device(Record):
    """Hardware that runs models: an accelerator, a CPU generation (per vCPU), a board or a microcontroller."""

    name: str
    aliases: tuple[str, ...] = ()
    """Names under which prices and published measurements know it."""
    kind: DeviceKind
    vendor: str
    unit: Literal["device", "vCPU"] = "device"
    """What one unit of the figures below is: the whole device, or one virtual CPU of a machine."""
    architecture: Literal[
        "x86_64",
        "aarch64",
        "cuda",
        "rocm",
        "tpu",
        "neuron",
        "hpu",
        "cann",
        "bang",
        "qaic",
        "edgetpu",
        "hailo",
        "vpu",
        "rknn",
        "mcu",
    ]
    peak: Mapping[Precision, FlopPerSecond] = {}
    """Dense peak of one unit by precision; int8 in OP/s."""
    bandwidth: BytesPerSecond | None = None
    memory: Bytes | None = None
    """Memory of one accelerator; none for a vCPU, whose machine has the memory."""
    power: Watts | None = None
    year: int | None = None
    status: Literal["current", "legacy"] = "current"
    successor: str | None = None
    instances: tuple[str, ...] = ()
    """CPU generations: the types they drive, as provider/pattern with * and ?, such as "aws/m7i.*"."""
    board: Board | None = None


class Check(Part):
    """What a second source, or a count of one's own, says of a fact of a model."""

    field: Literal["params", "macs", "active_params"]
    value: Count
    title: str
    url: str | None = None
    dated: str
    """Date of the facts as the source states it, or of the count."""

    @field_validator("value", mode="before")
    @classmethod
    def _count_or_macs(cls, value: object) -> object:
        return value.removesuffix("MAC") if isinstance(value, str) else value


class Model(Record):
    """A reference model: its size and the work of one inference at a stated input."""

    name: str
    aliases: tuple[str, ...] = ()
    family: ModelFamily
    task: str
    params: Count
    macs: Macs | None = None
    """Multiply-accumulate operations of one inference at ``input``; for a language model, of one token."""
    input: str
    """Shape at which the MACs hold, such as 1x3x224x224 or seq 128."""
    activations: Count | None = None
    """Numbers that convolutions and linear layers write in one inference at ``input``."""
    active_params: Count | None = None
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    vocabulary: int | None = None
    context: int | None = None
    licence: str | None = None
    """Name of a licence that limits what a service may do with it; absent = none such is known."""
    checks: tuple[Check, ...] = ()

    _unclaimed: ClassVar[frozenset[str]] = frozenset({"id", "name", "aliases", "sources", "estimates", "checks"})


class Server(Record):
    """A machine that one can own: what a server room holds."""

    name: str
    name_zh: str | None = None
    """Chinese name, where it differs."""
    device: str
    count: int
    """Units of the device in the machine: accelerators, or virtual CPUs."""
    vcpu: int
    memory: Bytes
    price: Usd
    power: Watts


class RuleExample(Part):
    """A case that a rule lets pass or stops."""

    need: float
    have: float
    passes: bool


class Rule(Record):
    """A limit: what is needed against what there is."""

    name: Words
    severity: Literal["reject", "condition"]
    fact: str
    """Name of the pair (needed, had) that the feasibility stage works out."""
    unit: str
    fails: Words
    """Sentence for a stack that it stops; placeholders {need} and {have}."""
    flip: Words
    """Sentence for the smallest change that would let it in; placeholders {need} and {have}."""
    examples: tuple[RuleExample, ...]

    _unclaimed: ClassVar[frozenset[str]] = frozenset(
        {"id", "name", "fails", "flip", "examples", "sources", "estimates", "fact", "unit"}
    )

    @model_validator(mode="after")
    def _examples_show_both(self) -> Self:
        if {example.passes for example in self.examples} != {True, False}:
            raise refusal("examples_show_both")
        for example in self.examples:
            if (example.need <= example.have) != example.passes:
                raise refusal("example_contradicts", need=f"{example.need:g}", have=f"{example.have:g}")
        return self
