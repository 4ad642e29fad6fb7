"""What engine tests share: the small knowledge, a question to start from, and what an error has to say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor import Advice
from advisor.errors import AdvisorError
from advisor.text import languages

Ask = Callable[..., Advice]
KNOWLEDGE = Path(__file__).parent / "data" / "knowledge"
WISHES: dict[str, Any] = {"model": "resnet50", "qps": 50, "p99_ms": 100, "country": "US"}


def said_in_every_language(error: AdvisorError, *parts: str) -> None:
    """Demand one whole sentence of an error, with the parts, in every language."""
    for lang in languages():
        said = error.in_language(lang)
        assert "{" not in said.replace(str(error.values.get("value")), "")
        assert "\n" not in said
        assert said.endswith((".", "。"))
        assert any("一" <= sign <= "鿿" for sign in said) == (lang == "zh")
        for part in parts:
            assert part in said, (part, said)
