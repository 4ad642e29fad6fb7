"""Family of a model, told from its operators and its inputs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from advisor.onnx_model.axes import holds_a_past
from advisor.schema import Assumption, ModelFamily
from advisor.sizes import limits

_IMAGE_RANK = 4
_GROWS_MAPS = ("Resize", "Upsample", "ConvTranspose")


@dataclass(frozen=True, slots=True)
class Signs:
    """What the family is told from."""

    operators: Counter[str]
    inputs: Mapping[str, tuple[int, ...]]
    whole_number_inputs: frozenset[str]
    outputs: tuple[tuple[int, ...], ...]
    params: int
    macs: int


def family_of(signs: Signs) -> tuple[ModelFamily, Assumption]:
    """Family, and whether it was recognised or only taken for want of signs.

    Notes
    -----
    In this order: keys and values of a past among the inputs make a language model; token ids with attention an
    encoder, look-ups without it a recommender.  An image with a time step makes a diffusion model; few parameters and
    MACs one for microcontrollers; maps that grow again a detector, or segmentation where a map is the only output, and
    no table longer than the image is wide, which lists boxes; attention a vision transformer; any other convolution a
    CNN.  Recurrent operators or convolutions over anything else than images make speech, few parameters and MACs a
    model for microcontrollers.
    """
    family = _recognised(signs)
    if family is not None:
        return family, ("family_recognised", (("family", family),))
    fallback: ModelFamily = "nlp-encoder" if signs.operators["MatMul"] and signs.operators["Softmax"] else "cnn"
    return fallback, ("family_unknown", (("family", fallback),))


def _recognised(signs: Signs) -> ModelFamily | None:
    image = any(len(shape) == _IMAGE_RANK for shape in signs.inputs.values())
    return _of_text(signs) or (_of_image(signs) if image else _of_signal(signs))


def _attends(signs: Signs) -> bool:
    operators, least = signs.operators, limits()["onnx"]["family"]["attention_softmaxes"]
    products = operators["MatMul"] + operators["MatMulInteger"] + operators["QLinearMatMul"] + operators["Einsum"]
    return operators["Attention"] > 0 or (operators["Softmax"] >= least and products > operators["Softmax"])


def _of_text(signs: Signs) -> ModelFamily | None:
    if any(holds_a_past(name) for name in signs.inputs):
        return "llm"
    if not signs.whole_number_inputs or not signs.operators["Gather"]:
        return None
    if _attends(signs):
        return "nlp-encoder"
    return "recsys" if signs.operators["Gather"] >= limits()["onnx"]["family"]["lookups"] else None


def _is_tiny(signs: Signs) -> bool:
    rule: Mapping[str, float] = limits()["onnx"]["family"]
    return signs.params <= rule["tiny_params"] and 0 < signs.macs <= rule["tiny_macs"]


def _of_image(signs: Signs) -> ModelFamily | None:
    if any("timestep" in name for name in signs.inputs):
        return "diffusion"
    if _is_tiny(signs):
        return "tinyml"
    grows = any(signs.operators[operator] for operator in _GROWS_MAPS)
    if signs.operators["NonMaxSuppression"] or (grows and not _ends_in_a_map(signs)):
        return "detector"
    if grows:
        return "segmentation"
    if _attends(signs):
        return "vit"
    return "cnn" if any("Conv" in operator for operator in signs.operators) else None


def _of_signal(signs: Signs) -> ModelFamily | None:
    if any(signs.operators[operator] for operator in ("LSTM", "GRU", "RNN")):
        return "speech"
    if _is_tiny(signs):
        return "tinyml"
    return "speech" if any("Conv" in operator for operator in signs.operators) else None


def _ends_in_a_map(signs: Signs) -> bool:
    side = max((max(shape[1:]) for shape in signs.inputs.values() if len(shape) == _IMAGE_RANK), default=0)
    least = side / limits()["onnx"]["family"]["dense_output_share"]
    maps = [shape for shape in signs.outputs if len(shape) in (_IMAGE_RANK - 1, _IMAGE_RANK)]
    if not len(maps) == len(signs.outputs) == 1 or min(maps[0][-2:]) < least:
        return False
    is_list = len(maps[0]) < _IMAGE_RANK and max(maps[0][-2:]) > side
    return not is_list
