"""A device that the catalogue does not know, by its data sheet."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from advisor.errors import RequirementError
from advisor.schema import DeviceKind, Precision


class DeviceSpec(BaseModel):
    """Figures of a device in SI units.

    Parameters
    ----------
    kind : str
        Kind of device whose measured peers stand in for it, such as "gpu-datacenter" or "cpu-server".
    peak_flop_per_s : mapping of str to float
        Dense peak by precision.  [FLOP/s]
    bandwidth_bytes_per_s : float
        Memory bandwidth.  [B/s]
    memory_bytes : float
        Memory for models.  [B]
    tdp_w : float, optional
        Power.  [W]

    Raises
    ------
    RequirementError
        If a figure is missing, not positive, or the kind or a precision is unknown.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: DeviceKind
    peak_flop_per_s: Mapping[Precision, float] = Field(min_length=1)
    bandwidth_bytes_per_s: float = Field(gt=0)
    memory_bytes: float = Field(gt=0)
    tdp_w: float | None = Field(default=None, gt=0)

    def __init__(
        self,
        kind: str,
        peak_flop_per_s: Mapping[str, float],
        bandwidth_bytes_per_s: float,
        memory_bytes: float,
        tdp_w: float | None = None,
        **strangers: Any,
    ) -> None:
        try:
            super().__init__(
                kind=kind,
                peak_flop_per_s=peak_flop_per_s,
                bandwidth_bytes_per_s=bandwidth_bytes_per_s,
                memory_bytes=memory_bytes,
                tdp_w=tdp_w,
                **strangers,
            )
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            must = " | ".join(get_args(DeviceKind)) if field == "kind" else "> 0"
            raise RequirementError("field", field=field, value=str(first["input"]), must=must) from None


def rate_orders(settings: Mapping[str, Any], *, generates: bool) -> dict[str, tuple[str, ...]]:
    """Number format of a model -> formats of a data sheet at whose rate it is computed, the best first.

    Parameters
    ----------
    settings : mapping
        ``data/calibrations/settings.toml``.
    generates : bool
        Language models often keep their weights in a smaller format than they compute in.
    """
    others, computed = settings["fallback"], settings["language"]["compute_format"] if generates else {}
    return {
        name: tuple(dict.fromkeys((inner := computed.get(name, name), *others[inner], name, *others[name])))
        for name in others
    }


def peak_at(peaks: Mapping[Any, float], order: Sequence[str]) -> float | None:
    """Dense peak in the first of some number formats that a device has a rate for; None where it has none of them.

    Examples
    --------
    >>> peak_at({"fp32": 1e12}, ("fp16", "fp32"))
    1000000000000.0
    """
    return next((peaks[name] for name in order if name in peaks), None)
