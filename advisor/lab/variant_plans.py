"""Which method turns a model into another precision, and which models cannot be turned."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from advisor.errors import MeasureError
from advisor.lab.settings import settings
from advisor.schema import Assumption
from advisor.units import PERCENT

if TYPE_CHECKING:
    from advisor.onnx_model import OnnxModel

Wish = Literal["fp32", "int8", "int8-static", "int8-dynamic", "fp16"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a variant is made."""

    precision: Literal["fp32", "int8", "fp16"]
    wish: Mapping[str, Any] | None
    """What ``advisor.lab.quantising.made`` is told; None for the file itself."""
    assumptions: tuple[Assumption, ...]

    @property
    def calibrates(self) -> bool:
        """Whether inputs decide what the variant answers."""
        return self.wish is not None and self.wish["kind"] == "static"


def plan(wish: Wish, found: "OnnxModel", file: Path, machine: str) -> Plan:
    """Method for a model on a processor.

    Parameters
    ----------
    wish : str
        Precision that was asked for.
    found : OnnxModel
        What the file says about the model.
    file : Path
        The file.
    machine : str
        Architecture of the processor, as ``platform.machine()`` names it.

    Raises
    ------
    MeasureError
        If the weights of the model are not fp32, or it is quantised already.

    Notes
    -----
    Asked for int8, a model with most of its MACs in convolutions is quantised statically, any other one dynamically:
    ``docs/methodology/variants.md`` holds the measurements behind it.
    """
    if wish == "fp32":
        return Plan("fp32", None, ())
    _refuse_quantised(found, file)
    if wish == "fp16":
        return Plan("fp16", {"kind": "fp16"}, (("variant_fp16", ()),))
    share = _convolution_share(found)
    static = wish == "int8-static" or (wish == "int8" and share >= settings()["variants"]["convolution_share"])
    code = "variant_static" if static else "variant_dynamic"
    chosen: tuple[Assumption, ...] = ((code, (("share", round(share * PERCENT)),)),) if wish == "int8" else ()
    return _static(machine, chosen) if static else _dynamic(chosen)


def _static(machine: str, chosen: tuple[Assumption, ...]) -> Plan:
    table = settings()["variants"]
    arm = machine.lower() in table["signed_machines"]
    wish = {
        "kind": "static",
        "method": "static-s8s8" if arm else "static-u8s8",
        "activations": "QInt8" if arm else "QUInt8",
        "least_opset": table["least_opset"],
    }
    said: tuple[Assumption, ...] = (("variant_signed", (("machine", machine),)),) if arm else ()
    return Plan("int8", wish, (*chosen, *said))


def _dynamic(chosen: tuple[Assumption, ...]) -> Plan:
    table = settings()["variants"]
    operators = {"operators": table["dynamic_operators"], "least_opset": table["least_opset"]}
    return Plan("int8", {"kind": "dynamic", "method": "dynamic-s8", **operators}, chosen)


def _refuse_quantised(found: "OnnxModel", file: Path) -> None:
    marks = sorted(set(found.operators) & set(settings()["variants"]["quantised_operators"]))
    if marks:
        raise MeasureError("variant_quantised", file=str(file), value=", ".join(marks))
    if found.precision not in ("fp32", None):
        raise MeasureError("variant_quantised", file=str(file), value=found.precision)


def _convolution_share(found: "OnnxModel") -> float:
    """Share of the MACs in convolutions; without any count, all or nothing."""
    macs = dict(found.macs_by_operator)
    total = sum(macs.values())
    if not total:
        return float(any("Conv" in name for name in found.operators))
    return sum(count for name, count in macs.items() if "Conv" in name) / total
