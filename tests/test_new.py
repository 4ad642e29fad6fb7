"""`advisor new`: a template with every blank filled passes the check, an unfilled one says what to fill in."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from advisor import cli
from advisor.checking import check
from advisor.errors import CheckError
from advisor.knowledge import read_record
from advisor.new_record import PARTS, filled_template, kinds, new_record
from advisor.paths import DATA
from advisor.record_words import BLANK, choices
from advisor.shelves import KINDS
from advisor.text import languages

CHINESE = re.compile("[一-鿿]")
ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 25)
SOURCE = {"title": "Data sheet of the maker, table 1", "url": "https://example.org/sheet", "dated": "2026-10"}
WORDS = {"en": "Eight words", "zh": "八个字"}
FILLED: Mapping[str, tuple[str, Mapping[str, Mapping[str, Any]]]] = {
    "device": (
        "example-card",
        {
            "": {"name": "Example Card", "kind": "gpu-datacenter", "vendor": "Example", "architecture": "cuda"},
            "peak": {"fp32": "8.1 TFLOP/s"},
            "sources": SOURCE,
        },
    ),
    "model": (
        "example-net",
        {
            "": {
                "name": "Example Net",
                "family": "cnn",
                "task": "image classification",
                "params": "25.6 M",
                "macs": "4.1 GMAC",
                "input": "1x3x224x224",
            },
            "sources": SOURCE,
        },
    ),
    "system": (
        "example-cloud",
        {
            "": {"name": "Example Cloud"},
            "summary": WORDS,
            "platform": {
                "site": "cloud",
                "operation": "managed",
                "hours_fixed_month": 2.0,
                "hours_per_machine_month": 0.5,
                "launch_days": 5,
                "follows_load": True,
                "skills": "containers",
            },
            "sources": SOURCE,
        },
    ),
    "engine": (
        "example-runtime",
        {
            "": {"name": "Example Runtime"},
            "summary": WORDS,
            "engine": {
                "families": "cnn",
                "server": True,
                "memory_overhead": "300 MB",
                "package": "80 MB",
                "skills": "containers",
                "operations": "vm",
            },
            "engine.architectures": {"cuda": "fp16"},
            "sources": SOURCE,
        },
    ),
    "hardware": (
        "example-boards",
        {
            "": {"name": "Example Boards"},
            "summary": WORDS,
            "hardware": {"devices": "jetson-nano", "skills": "containers"},
            "sources": SOURCE,
        },
    ),
    "tool": (
        "example-tool",
        {
            "": {"name": "Example Tool"},
            "summary": WORDS,
            "tool": {"operations": "kubernetes", "skills": "kubernetes"},
            "sources": SOURCE,
        },
    ),
    "rule": (
        "memory",
        {
            "": {"severity": "reject", "fact": "memory", "unit": "GB"},
            "name": {"en": "Memory", "zh": "内存"},
            "fails": {"en": "needs {need}, has {have}", "zh": "需要 {need}，只有 {have}"},
            "flip": {"en": "with at most {have}", "zh": "占用不超过 {have}"},
            "examples": {"need": 8, "have": 8},
            "estimates": {"method": "follows from the definition of the requirement"},
        },
    ),
    "server": (
        "example-server",
        {
            "": {
                "name": "Example Server",
                "device": "nvidia-l4",
                "count": 2,
                "vcpu": 32,
                "memory": "128 GB",
                "price": "9000 USD",
                "power": "400 W",
            },
            "sources": SOURCE,
        },
    ),
    "preset": (
        "example-question",
        {
            "": {"order": 99},
            "name": WORDS,
            "story": WORDS,
            "requirements": {"model": "llama-3-8b", "qps": 5, "country": "CN"},
            "estimates": {"method": "five questions a second in office hours, an example"},
        },
    ),
}

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with nothing in it."""
    (tmp_path / "data" / "devices").mkdir(parents=True)
    return tmp_path / "data"


def made(folder: Path, kind: str, lang: str = "en") -> Path:
    """Template of a kind, or of a part of a system."""
    part = kind if kind in PARTS else "platform"
    name = FILLED[kind][0]
    return new_record("system" if kind in PARTS else kind, name, folder=folder, lang=lang, today=TODAY, part=part)


def toml(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, f'"{value}"') if isinstance(value, bool | str) else str(value)


def answered(kind: str, text: str) -> str:
    """Template with its blanks filled in as a person would, line by line."""
    values, table, lines = FILLED[kind][1], "", []
    for line in text.splitlines():
        header = re.fullmatch(r"\[+([\w.]+)\]+", line)
        table = header[1] if header else table
        blank = re.fullmatch(r'(\w+) = (\[?)"…"(\]?)', line)
        lines.append(f"{blank[1]} = {blank[2]}{toml(values[table][blank[1]])}{blank[3]}" if blank else line)
    return "\n".join(lines).replace("need = 8\nhave = 8\npasses = false", "need = 9\nhave = 8\npasses = false") + "\n"


@pytest.mark.parametrize("kind", FILLED)
@pytest.mark.parametrize("lang", languages())
def test_a_template_filled_in_passes_the_check(folder: Path, kind: str, lang: str) -> None:
    path = made(folder, kind, lang)
    text = answered(kind, path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    assert BLANK not in "".join(line for line in text.splitlines() if not line.startswith("#"))
    assert check([path]).text("en") == "1 records and 0 tables, all right."
    assert read_record(path, KINDS[path.parent.name]).id == FILLED[kind][0]


@pytest.mark.parametrize("kind", FILLED)
def test_every_blank_of_a_template_is_told(folder: Path, kind: str) -> None:
    path = made(folder, kind)
    text = path.read_text(encoding="utf-8")
    blanks = [line for line in text.splitlines() if BLANK in line and not line.startswith("#")]
    found = check([path]).findings
    assert len(found) == len({finding.problem.field for finding in found}) == len(blanks)
    assert all(BLANK in finding.line(lang) for finding in found for lang in languages())


@pytest.mark.parametrize("kind", FILLED)
def test_optional_lines_are_well_formed(folder: Path, kind: str) -> None:
    path = made(folder, kind)
    lines = uncommented(answered(kind, path.read_text(encoding="utf-8")))
    path.write_text("\n".join(lines), encoding="utf-8")
    found = {(one.problem.field, one.problem.code) for one in check([path]).findings}
    assert found <= {("sources", "unclaimed"), ("aliases", "shared_name")}


def uncommented(text: str) -> list[str]:
    """Lines of a template with the optional ones taken out of their comments."""
    return [re.sub(r"^# (?=\w+ = |\[)", "", line) for line in text.splitlines()]


@pytest.mark.parametrize("kind", kinds())
def test_a_template_explains_every_field_of_its_class_and_no_other(kind: str) -> None:
    text = (DATA / "templates" / f"{kind}.toml").read_text(encoding="utf-8")
    for part in PARTS if kind == "system" else PARTS[:1]:
        values = {"id": "x", "blank": BLANK, "today": "2026-11-25", "part": part}
        lines = filled_template(kind, values, "en").splitlines()
        raw = tomllib.loads("\n".join(uncommented("\n".join(lines))))
        cls = KINDS[f"{kind}s"]
        missing = set(cls.model_fields) - set(raw) - set(PARTS)
        assert missing <= ({"sources", "estimates"} if kind in ("rule", "preset") else set())
        assert set(raw) <= set(cls.model_fields)
        if kind == "system":
            assert set(raw[part]) == set(cls.model_fields[part].annotation.__args__[0].model_fields)  # type: ignore[union-attr]
    assert text.count("#en") >= text.count("#zh") > 0


@pytest.mark.parametrize("kind", kinds())
def test_a_template_speaks_one_language(kind: str) -> None:
    values = {"id": "x", "blank": BLANK, "today": "2026-11-25", "part": "platform"}
    english, chinese = (filled_template(kind, values, lang) for lang in ("en", "zh"))
    comments = [line for line in english.splitlines() if line.startswith("# ") and not re.match(r"# (\w+ = |\[)", line)]
    assert comments
    assert not [line for line in comments if CHINESE.search(line)]
    assert tomllib.loads(english) == tomllib.loads(chinese)
    assert not re.search(r"#(en|zh|part)\b|\{(id|blank|today|part|choices)", english + chinese)
    assert CHINESE.search(chinese.splitlines()[0])


def test_allowed_names_are_those_of_the_class(folder: Path) -> None:
    text = made(folder, "device").read_text(encoding="utf-8")
    assert ", ".join(choices(KINDS["devices"], "kind")) in text
    assert ", ".join(choices(KINDS["devices"], "architecture")) in text
    assert ", ".join(choices(KINDS["devices"], "peak")) in text


def test_nothing_is_overwritten(folder: Path) -> None:
    path = made(folder, "device")
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(CheckError):
        made(folder, "device")
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("kind", "problems"), [("device", set()), ("model", set()), ("system", set()), ("rule", {("id", "rule_idle")})]
)
def test_the_records_that_contributing_shows_are_right(folder: Path, kind: str, problems: set[tuple[str, str]]) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = text.split(f"### A {kind}\n")[1].split("```toml\n")[1].split("```")[0]
    path = folder / f"{kind}s" / f"{tomllib.loads(shown)['id']}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(shown, encoding="utf-8")
    assert {(one.problem.field, one.problem.code) for one in check([path]).findings} == problems


# On the command line


@pytest.mark.parametrize("lang", languages())
def test_the_command_says_where_the_record_is_and_how_it_is_checked(capsys: Captured, folder: Path, lang: str) -> None:
    code = cli.main(["new", "device", "my-card", "--folder", str(folder), "--lang", lang])
    said = capsys.readouterr()
    path = folder / "devices" / "my-card.toml"
    assert (code, said.err) == (0, "")
    assert f"advisor check {path}" in said.out
    assert bool(CHINESE.search(said.out)) == bool(CHINESE.search(path.read_text(encoding="utf-8"))) == (lang == "zh")


BAD = {
    "kind": (["new", "gadget", "x", "--folder", "{folder}"], ["gadget", "device", "rule"]),
    "capitals": (["new", "device", "My Card", "--folder", "{folder}"], ["My Card", "nvidia-l4"]),
    "another folder": (["new", "device", "../../x", "--folder", "{folder}"], ["../../x"]),
    "taken": (["new", "device", "taken", "--folder", "{folder}"], ["taken.toml"]),
    "no folder": (["new", "device", "x", "--folder", "{folder}/none"], ["--folder", "none"]),
    "no part": (["new", "system", "x", "--folder", "{folder}", "--part", "wheel"], ["--part", "wheel", "engine"]),
    "a file in the way": (["new", "model", "x", "--folder", "{folder}"], ["x.toml"]),
}


@pytest.mark.parametrize(("arguments", "parts"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("lang", languages())
def test_bad_input_is_one_sentence(
    capsys: Captured, folder: Path, arguments: list[str], parts: list[str], lang: str
) -> None:
    (folder / "devices" / "taken.toml").write_text("")
    (folder / "models").write_text("")
    code = cli.main([argument.replace("{folder}", str(folder)) for argument in arguments] + ["--lang", lang])
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert said.err.rstrip().endswith((".", "。"))
    assert bool(CHINESE.search(said.err)) == (lang == "zh")
    assert [part for part in parts if part not in said.err] == []
    assert not (folder.parent / "x.toml").exists()
