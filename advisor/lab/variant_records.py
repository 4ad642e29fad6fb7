"""A variant: what was made of which file and how, and how its record is kept."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from advisor.lab.agreement import Agreement, Similarity
from advisor.lab.runs import Run
from advisor.results import Interval
from advisor.schema import Assumption

_INTERVALS = ("same_choice", "accuracy_before", "accuracy", "accuracy_change")


@dataclass(frozen=True, slots=True)
class Variant:
    """A model in one precision: a file that is measured like any other."""

    path: Path
    model: str
    """Name of the file that it was made from, or of the model of the zoo."""
    precision: Literal["fp32", "int8", "fp16"]
    method: str
    """Such as ``static-u8s8-channel``: static, unsigned activations, signed weights, a scale for each channel."""
    source_sha256: str
    source_bytes: int
    """Size of the original, external weights included."""
    sha256: str
    size_bytes: int
    assumptions: tuple[Assumption, ...]
    """Why this method, and what has to be known of it; worded by ``variant_text``."""
    agreement: Agreement | None
    """What held-out samples say of it; None without data."""

    def named(self, run: Run) -> Run:
        """Run of this variant's file, under the name of the model, with what was made of it and how."""
        assumptions = (*run.assumptions, *self.assumptions)
        return replace(run, model=self.model, precision=self.precision, variant=self.method, assumptions=assumptions)

    def record(self) -> dict[str, Any]:
        """Every field, ready for JSON."""
        return {**asdict(self), "path": str(self.path)}


def sha256_of(path: Path) -> str:
    """Hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_variant(record: Path) -> Variant | None:
    """Variant whose record and file are still there as they were written; else None."""
    try:
        fields = json.loads(record.read_text(encoding="utf-8"))
        found = Variant(**fields | _nested(fields))
        return found if sha256_of(found.path) == found.sha256 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    assumptions = tuple((code, tuple((k, v) for k, v in values)) for code, values in fields["assumptions"])
    agreement = None if fields["agreement"] is None else _agreement(fields["agreement"])
    return {"path": Path(fields["path"]), "assumptions": assumptions, "agreement": agreement}


def _agreement(fields: Mapping[str, Any]) -> Agreement:
    intervals = {name: None if fields[name] is None else Interval(**fields[name]) for name in _INTERVALS}
    outputs = tuple(Similarity(**entry) for entry in fields["outputs"])
    return Agreement(**{**fields, **intervals, "outputs": outputs})
