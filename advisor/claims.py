"""What every record of the knowledge shares: an id, and a source or an estimate behind every fact."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from advisor.errors import Problem
from advisor.text import preferred_language

ID = r"^[a-z0-9][a-z0-9.\-]*$"
"""What the id of a record looks like."""
CLAIMS_ASIDE = "claims are looked at elsewhere"
"""Context in which a record is valid without sources."""


def refusal(code: str, **values: object) -> PydanticCustomError:
    """What a validator raises: a code of the table [check] of the catalogues, with its values."""
    said = Problem("", code, values).in_language(preferred_language())
    return PydanticCustomError(code, said, values)


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

    id: str = Field(pattern=ID)
    sources: tuple[Source, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    _unclaimed: ClassVar[frozenset[str]] = frozenset({"id", "name", "name_zh", "aliases", "sources", "estimates"})

    @property
    def claims(self) -> tuple["Source | Estimate", ...]:
        """Sources and estimates, in this order."""
        return (*self.sources, *self.estimates)

    def claim(self, fact: str) -> "Source | Estimate | None":
        """First source or estimate that claims a fact, by its dotted name."""
        return next((one for one in self.claims if any(_covers(field, fact) for field in one.fields)), None)

    @model_validator(mode="after")
    def _every_fact_is_claimed(self, info: ValidationInfo) -> Self:
        if info.context == CLAIMS_ASIDE:
            return self
        given = {name: getattr(self, name) for name in self.model_fields_set}
        for problem in claim_problems(self.facts_of(given), [field for claim in self.claims for field in claim.fields]):
            raise refusal(problem.code, **problem.values)
        return self

    @classmethod
    def facts_of(cls, given: Mapping[str, object]) -> list[str]:
        """Dotted names of the facts among the fields of a record that have to be claimed."""
        names = sorted(given.keys() & cls.model_fields.keys() - cls._unclaimed)
        return [fact for name in names for fact in _facts(name, given[name])]


def claim_problems(facts: Collection[str], claims: Collection[str]) -> list[Problem]:
    """Facts that no source or estimate claims, and claims of what is not stated."""
    missing = [fact for fact in facts if not any(_covers(claim, fact) for claim in claims)]
    strangers = [claim for claim in claims if not any(_covers(claim, fact) for fact in facts)]
    found = []
    if missing:
        found.append(Problem("sources", "unclaimed", {"value": ", ".join(missing)}))
    if strangers:
        found.append(Problem("sources", "strangers", {"value": ", ".join(strangers), "known": ", ".join(facts)}))
    return found


def _facts(name: str, value: object) -> list[str]:
    """Dotted names of the facts under a field: tables are claimed entry by entry, or whole by their own name."""
    if isinstance(value, Part):
        return [f"{name}.{key}" for key in sorted(value.model_fields_set)]
    if isinstance(value, Mapping) and value:
        return [f"{name}.{key}" for key in sorted(value)]
    return [name]


def _covers(claim: str, fact: str) -> bool:
    return fact == claim or fact.startswith(f"{claim}.")
