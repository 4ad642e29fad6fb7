"""A variant in words, and as JSON."""

from typing import Any

from advisor.lab.agreement import Agreement, Similarity
from advisor.lab.variant_records import Variant
from advisor.numbers import number
from advisor.results import Interval
from advisor.text import preferred_language, sentence
from advisor.units import BYTES_PER_MB, PERCENT


def variant_text(variant: Variant, lang: str | None = None) -> str:
    """Lines about a variant: how it was made, its size, how far its answers agree, what has to be known of it.

    Parameters
    ----------
    variant : Variant
    lang : str, optional
        Language id; by default the preferred one.
    """
    lang = lang or preferred_language()
    method = sentence(f"variant.method.{variant.method}", lang)
    sizes = {
        "before": number(variant.source_bytes / BYTES_PER_MB),
        "after": number(variant.size_bytes / BYTES_PER_MB),
        "share": number(variant.size_bytes / variant.source_bytes * PERCENT),
    }
    return "\n".join(
        [
            sentence("variant.title", lang, model=variant.model, precision=variant.precision, method=method),
            sentence("variant.size", lang, **sizes),
            *_agreement_texts(variant, lang),
            *(sentence(f"assumption.{code}", lang, **dict(values)) for code, values in variant.assumptions),
            sentence("variant.file", lang, file=variant.path),
        ]
    )


def variant_json(variant: Variant) -> dict[str, Any]:
    """The variant with every field, ready for JSON."""
    return {"format": "advisor/variant/1", **variant.record()}


def _agreement_texts(variant: Variant, lang: str) -> list[str]:
    found = variant.agreement
    if found is None:
        return [] if variant.precision == "fp32" else [sentence("variant.no_data", lang)]
    said = [sentence("variant.samples", lang, count=f"{found.samples:,}")]
    if variant.precision == "fp32" and found.accuracy is not None:
        return [*said, sentence("variant.accuracy_itself", lang, value=_share_text(found.accuracy, "share", lang))]
    said += _accuracy_texts(found, lang)
    if found.same_choice is not None:
        said.append(sentence("variant.same_choice", lang, value=_share_text(found.same_choice, "share", lang)))
    said += [_similarity_text(each, lang) for each in found.outputs]
    if found.not_finite:
        said.append(sentence("variant.not_finite", lang, count=f"{found.not_finite:,}"))
    return said


def _accuracy_texts(found: Agreement, lang: str) -> list[str]:
    if found.accuracy_before is None or found.accuracy is None or found.accuracy_change is None:
        return []
    before, after = (_share_text(share, "share", lang) for share in (found.accuracy_before, found.accuracy))
    change = _share_text(found.accuracy_change, "points", lang)
    shown = found.accuracy_change.low > 0 or found.accuracy_change.high < 0
    return [
        sentence("variant.accuracy", lang, before=before, after=after, change=change),
        sentence("variant.change_shown" if shown else "variant.no_change_shown", lang),
    ]


def _similarity_text(each: Similarity, lang: str) -> str:
    if each.snr_db is None:
        return sentence("variant.identical", lang, output=each.output)
    cosines = {"cosine": f"{each.cosine:.4f}", "least": f"{each.least_cosine:.4f}"}
    return sentence("variant.similarity", lang, output=each.output, snr=f"{each.snr_db:.1f}", **cosines)


def _share_text(share: Interval, kind: str, lang: str) -> str:
    """Share in percent, or a change in points."""
    sign = "+" if kind == "points" else ""
    ends = {name: f"{getattr(share, name) * PERCENT:{sign}.2f}" for name in ("low", "mid", "high")}
    return sentence(f"variant.{kind}", lang, **ends)
