"""What every record of the knowledge shares: an id, and a source or an estimate behind every fact."""

from collections.abc import Mapping
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Part(BaseModel):
    """Anything inside a record: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Part):
    """Where facts were read."""

    fields: tuple[str, ...]
    title: str
    url: str | None = None
    dated: str
    """Date of the facts as the source states it: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-Qn."""


class Estimate(Part):
    """Facts nobody published: how they were arrived at."""

    fields: tuple[str, ...]
    method: str
    dated: date


class Words(Part):
    """The same prose in both languages."""

    en: str
    zh: str


class Point(Words):
    """One thing to know, as a sentence that a list of such things can name."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9\-]*$")


class Record(Part):
    """A file of the knowledge: the file name is the id and every fact is claimed by a source or marked an estimate."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")
    sources: tuple[Source, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    _unclaimed: frozenset[str] = frozenset({"id", "name", "name_zh", "aliases", "sources", "estimates"})

    @property
    def claims(self) -> tuple["Source | Estimate", ...]:
        """Sources and estimates, in this order."""
        return (*self.sources, *self.estimates)

    @model_validator(mode="after")
    def _every_fact_is_claimed(self) -> Self:
        claims = [field for claim in self.claims for field in claim.fields]
        facts = [
            fact
            for name in sorted(self.model_fields_set - self._unclaimed)
            for fact in _facts(name, getattr(self, name))
        ]
        if missing := [fact for fact in facts if not any(_covers(claim, fact) for claim in claims)]:
            raise ValueError(f"no [[sources]] or [[estimates]] entry claims {', '.join(missing)}")
        if strangers := [claim for claim in claims if not any(_covers(claim, fact) for fact in facts)]:
            raise ValueError(f"a source or estimate claims {', '.join(strangers)}, which the record does not state")
        return self


def _facts(name: str, value: object) -> list[str]:
    """Dotted names of the facts under a field: tables are claimed entry by entry, or whole by their own name."""
    if isinstance(value, Part):
        return [f"{name}.{key}" for key in sorted(value.model_fields_set)]
    if isinstance(value, Mapping) and value:
        return [f"{name}.{key}" for key in sorted(value)]
    return [name]


def _covers(claim: str, fact: str) -> bool:
    return fact == claim or fact.startswith(f"{claim}.")
