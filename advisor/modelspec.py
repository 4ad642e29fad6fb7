"""A model's work: from the catalogue, from sizes, or read out of an ONNX file."""

import unicodedata
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from advisor.errors import ModelFileError, RequirementError, UnknownIdError
from advisor.schema import Assumption, Model, ModelFamily, Precision
from advisor.sizes import (
    COUNTS,
    Spread,
    checked_sizes,
    language_spread,
    limits,
    macs_spread,
    precisions,
    shape_of,
    usual_input,
)
from advisor.units import FLOP_PER_MAC

_NEAREST = 3


class ModelSpec(BaseModel):
    """Sizes of a model and the work of one inference; of one token for a language model.

    Parameters
    ----------
    family : str
        One of cnn, detector, segmentation, vit, nlp-encoder, speech, recsys, diffusion, llm, tinyml.
    params : float
        Parameters, a count and not millions.
    macs : float, optional
        Multiply-accumulate operations of one inference at ``input_shape``; of one token for a language model.
    input_shape : tuple of int, optional
        Shape of one input with batch 1, such as ``(1, 3, 224, 224)`` or ``(1, 128)``.
    layers, hidden, heads, kv_heads, head_size, vocabulary, context : int, optional
        Architecture of a transformer.
    active_params : float, optional
        Parameters that one token uses, in a mixture of experts.
    name : str, optional
        What people call it.
    precision : str, optional
        Number format in which the weights are stored.
    operators, macs_by_operator, opset
        Operator types, their MACs and the operator set, where an ONNX file told them.
    activations : float, optional
        Numbers that convolutions and linear layers write in one inference.
    activation_bytes : float, optional
        Bytes that one inference writes between the operators at the stored precision.
    read_assumptions : tuple
        Codes and numbers that reading the model had to assume.
    licence : str, optional
        Name of a licence that limits what a service may do with the model.
    basis : str
        "catalogue", "sizes" or "onnx".

    Raises
    ------
    RequirementError
        If a field is unknown, missing, of the wrong type, out of its bounds, or contradicts another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: ModelFamily
    params: int
    macs: float | None = None
    input_shape: tuple[int, ...] | None = None
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    vocabulary: int | None = None
    active_params: int | None = None
    context: int | None = None
    name: str | None = None
    precision: Precision | None = None
    operators: tuple[str, ...] = ()
    macs_by_operator: tuple[tuple[str, float], ...] = ()
    opset: int | None = None
    activations: float | None = None
    activation_bytes: float | None = None
    read_assumptions: tuple[Assumption, ...] = ()
    licence: str | None = None
    basis: Literal["catalogue", "sizes", "onnx"] = "sizes"

    def __init__(
        self,
        family: str | None = None,
        params: float | None = None,
        macs: float | None = None,
        input_shape: tuple[int, ...] | None = None,
        **sizes: Any,
    ) -> None:
        given = {"family": family, "params": params, "macs": macs, "input_shape": input_shape, **sizes}
        try:
            stated = {field: value for field, value in given.items() if value is not None}
            super().__init__(**checked_sizes(stated, tuple(type(self).model_fields)))
        except ValidationError as error:
            first = error.errors()[0]
            raise RequirementError("model_value", field=str(first["loc"][0]), value=str(first["input"])) from None

    @property
    def used_params(self) -> int:
        """Parameters that take part in one inference."""
        return self.params if self.active_params is None else self.active_params

    @property
    def work_flop(self) -> float:
        """Floating-point operations of one inference, of one token for a language model  [FLOP]."""
        return FLOP_PER_MAC * self.macs_interval().mid

    @property
    def layer_count(self) -> int | None:
        """Layers; for a language model that does not state them, as many as one of its size usually has."""
        if self.layers is not None or self.family != "llm":
            return self.layers
        return max(1, round(language_spread("layers", self.params).mid))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Codes and numbers of everything that was assumed rather than known."""
        return (*self.read_assumptions, *_macs_assumptions(self), *_cache_assumptions(self))

    def macs_interval(self) -> Spread:
        """MACs of one inference with the central 80 %: a point where they are known, else by family and size  [MAC]."""
        if self.macs is not None:
            return Spread(self.macs, self.macs, self.macs)
        return macs_spread(self.family, self.used_params, self.input_shape)

    def weight_bytes(self, precision: Precision) -> float:
        """Memory of all weights in a number format, with the scales of a quantised one  [bytes]."""
        overhead: float = precisions()["overhead"].get(precision, 0.0)
        return self.params * (_bytes_of(precision) + overhead)

    def used_weight_bytes(self, precision: Precision) -> float:
        """Bytes of the weights that one inference reads  [bytes]."""
        return self.weight_bytes(precision) * self.used_params / self.params

    def kv_bytes_per_token(self, precision: Precision) -> float:
        """Memory of the keys and values of one token, 0 for other than language models  [bytes]."""
        return self.kv_elements().mid * _bytes_of(precision)

    def kv_elements(self) -> Spread:
        """Numbers that one token leaves in the cache: ``2 layers kv_heads head_size``, or as is usual at that size."""
        if self.family != "llm":
            return Spread(0, 0, 0)
        width = _cache_width(self)
        if self.layers is None or width is None:
            return language_spread("kv_elements", self.params)
        elements = 2 * self.layers * width
        return Spread(elements, elements, elements)


def of_record(record: Model) -> ModelSpec:
    """Model of the catalogue."""
    sizes = {field: getattr(record, field) for field in COUNTS if getattr(record, field) is not None}
    counts = {field: round(value) for field, value in sizes.items()}
    return ModelSpec(
        family=record.family,
        macs=record.macs,
        activations=record.activations,
        input_shape=shape_of(record.input),
        name=record.name,
        licence=record.licence,
        basis="catalogue",
        **counts,
    )


def of_onnx(path: str | Path, axes: Mapping[str, int] | None = None) -> ModelSpec:
    """Model in an ONNX file, read and never run.

    Parameters
    ----------
    path : str or Path
        The file; weights in external files are looked for beside it.
    axes : mapping of str to int, optional
        Sizes of dynamic axes by name, or by ``"input[axis]"`` for one without a name; others are assumed.

    Returns
    -------
    ModelSpec
        With ``basis`` "onnx" and an assumption for all that the file leaves open.

    Raises
    ------
    ModelFileError
        If the file is missing, unreadable, truncated, no ONNX, or lacks its external weights.
    """
    from advisor.onnx_model import read

    graph = read(Path(path), axes or {})
    return ModelSpec(
        family=graph.family,
        params=graph.params,
        macs=graph.macs / graph.tokens or None,
        input_shape=graph.input_shape,
        name=Path(path).name,
        precision=graph.precision,
        operators=graph.operators,
        macs_by_operator=graph.macs_by_operator,
        opset=graph.opset,
        activations=graph.activations / graph.tokens or None,
        activation_bytes=graph.activation_bytes / graph.tokens,
        read_assumptions=graph.assumptions,
        basis="onnx",
    )


def resolve(model: str | Path | ModelSpec, models: Mapping[str, Model]) -> ModelSpec:
    """Model that a person means by a catalogue id, one of its names, the path of an ONNX file, or sizes.

    Parameters
    ----------
    model : str, Path or ModelSpec
        Case, spaces, dashes and underscores make no difference to a name. Published weights such as ``yolov5s.pt`` are
        names too; another file of their format is refused.
    models : mapping of str to Model
        The catalogue by id.

    Returns
    -------
    ModelSpec

    Raises
    ------
    UnknownIdError
        If no model goes by that name; the three nearest are offered.
    ModelFileError
        If it is a file that cannot be read, or of another format.
    """
    if isinstance(model, ModelSpec):
        return model
    suffix = Path(model).suffix.lower()
    if suffix == ".onnx":
        return of_onnx(model)
    spellings = dict(_spellings(models))
    wanted = plain(str(model))
    if isinstance(model, str) and wanted in spellings:
        return of_record(models[spellings[wanted]])
    if isinstance(model, Path) or suffix in limits()["onnx"]["other_formats"]:
        raise ModelFileError("model_file_format", file=str(model))
    raise UnknownIdError("unknown_model", field="model", value=model, known=", ".join(_nearest(wanted, spellings)))


@lru_cache(maxsize=1 << 15)
def plain(name: str) -> str:
    """Name without what people spell differently: case, width, spaces, dashes and underscores."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign not in " \t-_‐–—")


def _spellings(models: Mapping[str, Model]) -> Iterator[tuple[str, str]]:
    for key, record in models.items():
        for name in (record.name, *record.aliases):
            yield plain(name), key
    for key in models:
        yield plain(key), key


def _nearest(wanted: str, spellings: Mapping[str, str]) -> list[str]:
    likeness = {name: SequenceMatcher(None, wanted, name).ratio() for name in spellings}
    ranked = sorted(likeness, key=lambda name: (-likeness[name], name))
    return list(dict.fromkeys(spellings[name] for name in ranked))[:_NEAREST]


def _bytes_of(precision: Precision) -> float:
    size: float = precisions()["bytes"][precision]
    return size


def _cache_width(spec: ModelSpec) -> int | None:
    head_size = spec.head_size
    if head_size is None and spec.hidden is not None and spec.heads is not None:
        head_size = spec.hidden // spec.heads
    heads = spec.heads if spec.kv_heads is None else spec.kv_heads
    return spec.hidden if head_size is None or heads is None else heads * head_size


def _macs_assumptions(spec: ModelSpec) -> Iterator[Assumption]:
    if spec.macs is None:
        low, mid, high = spec.macs_interval()
        if low < high:
            yield "macs_estimated", (("low", low), ("mid", mid), ("high", high))
        usual = usual_input(spec.family)
        if spec.input_shape is None and usual is not None:
            yield "input_assumed", (("size", usual),)


def _cache_assumptions(spec: ModelSpec) -> Iterator[Assumption]:
    if spec.family != "llm":
        return
    if spec.layers is None:
        yield "layers_estimated", (("layers", spec.layer_count or 0),)
    if spec.layers is None or _cache_width(spec) is None:
        low, mid, high = spec.kv_elements()
        yield "kv_estimated", (("low", low), ("mid", mid), ("high", high))
    elif spec.kv_heads is None:
        yield "kv_heads_assumed", (("heads", spec.heads or 1),)
