"""What a check hands on: problems with the file that each is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.errors import Problem
from advisor.text import sentence


@dataclass(frozen=True)
class Finding:
    """A problem and the file that it is in."""

    file: str
    problem: Problem

    def line(self, lang: str) -> str:
        """File, field and what is wrong, in one line."""
        place = self.problem.field
        values = {"file": self.file, "field": place, "text": self.problem.in_language(lang)}
        return sentence("check.line" if place else "check.line_file", lang, **values)


@dataclass(frozen=True)
class Checked:
    """How much was read, and what is wrong with it."""

    records: int
    tables: int
    findings: tuple[Finding, ...]

    def text(self, lang: str) -> str:
        """A line a problem and the count; one line where all is right."""
        counted = {"records": self.records, "tables": self.tables}
        if not self.findings:
            return sentence("check.all_right", lang, **counted)
        files = len({finding.file for finding in self.findings})
        count = sentence("check.count", lang, problems=len(self.findings), files=files, **counted)
        return "\n".join([*(finding.line(lang) for finding in self.findings), count])

    def document(self, lang: str) -> Mapping[str, Any]:
        """What ``advisor check --json`` prints."""
        problems = [
            {
                "file": finding.file,
                "field": finding.problem.field,
                "code": finding.problem.code,
                "value": finding.problem.values.get("value"),
                "text": finding.problem.in_language(lang),
            }
            for finding in self.findings
        ]
        return {
            "format": "advisor/check/1",
            "records": self.records,
            "tables": self.tables,
            "problems": [{name: _plain(value) for name, value in problem.items()} for problem in problems],
        }


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)
