"""What people see of money: no total without the dates of its prices, on any screen; bills, plans, currencies."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from english_words import CHINESE, english_words
from small_knowledge import Ask

from advisor import Advice, Knowledge, Requirements, advise, cli, load
from advisor.bill_table import COLUMNS
from advisor.console import advice_text, bill_text
from advisor.errors import RequirementError, UnknownIdError
from advisor.full_advice import FullAdvice
from advisor.money import currency_of
from advisor.page import Page, Section, page
from advisor.plans import plans_of
from advisor.results import Option
from advisor.text import catalogue, languages, sentence

ASKED: dict[str, dict[str, Any]] = {
    "China": {"model": "resnet50", "qps": 300, "p99_ms": 200, "country": "CN", "skills": "kubernetes"},
    "own room": {"model": "bert-base", "qps": 20, "p99_ms": 200, "country": "DE", "data": "on-premises"},
    "budget": {"model": "resnet50", "qps": 300, "p99_ms": 200, "country": "US", "budget_usd_month": 120},
    "unknown": {"model": "resnet50", "qps": 5, "p99_ms": 500, "country": "CN", "providers": ("huawei",)},
}
every_question = pytest.mark.parametrize("asked", ASKED)
every_language = pytest.mark.parametrize("lang", languages())
AMOUNT = {"en": re.compile(r"USD [\d,.]+ a month"), "zh": re.compile(r"每月 ?[\d,.]+ ?美元")}
DATED = {"en": re.compile(r"prices? of \d{4}"), "zh": re.compile(r"\d{4}[-Q\d]*( 至 \d{4}[-Q\d]*)? 的价格")}
TOTALS = ("bill.paid", "bill.with_people", "bill.per_1000", "bill.own_currency")


@cache
def answered(asked: str) -> FullAdvice:
    return advise(Requirements(**ASKED[asked]))


@cache
def prose(lang: str) -> tuple[str, ...]:
    """What records say of systems, with prices and dates of their own sources."""
    systems = load().systems.values()
    points = (point for one in systems for point in (*one.strengths, *one.weaknesses, *one.scenarios))
    return tuple(getattr(point, lang) for point in points)


def undated(text: str, lang: str) -> list[str]:
    """Lines that state a total without the dates of its prices."""
    names = [catalogue(lang)[code].split("{")[0] for code in TOTALS]
    return [
        line
        for line in text.splitlines()
        if (AMOUNT[lang].search(line) or any(name and line.startswith(name) for name in names))
        and not DATED[lang].search(line)
        and not any(said in line for said in prose(lang))
    ]


def sections(shown: Page) -> Iterator[Section]:
    for section in (*shown.answers, *shown.sections):
        yield section
        yield from section.parts


def demand_dates(table: pd.DataFrame, lang: str) -> None:
    """Every row of a table that states a monthly cost states the dates of its prices."""
    none, cost, dated = (sentence(code, lang) for code in ("value.none", "column.cost", "column.price_date"))
    if cost in table:
        stated = table[cost] != none
        assert (
            table.loc[stated, dated].str.match(r"\d{4}").all()
            or (table.loc[stated, cost] == sentence("value.unknown_price", lang)).any()
        )


@every_question
@every_language
def test_no_total_is_shown_without_the_dates_of_its_prices(asked: str, lang: str) -> None:
    advice = answered(asked)
    shown = advice.page(lang) if asked == "China" else page(advice.answer, advice.knowledge, lang)
    for section in sections(shown):
        assert undated("\n".join((section.heading, *section.lines)), lang) == []
        if section.table is not None:
            demand_dates(section.table, lang)
    for table in (advice.table(50, lang), advice.families(lang)):
        demand_dates(table, lang)
    for option in advice.shortlist[::9]:
        assert undated(advice.explain(option.id, lang), lang) == []
    for miss in advice._misses():
        told = advice.explain(miss.id, lang).splitlines()
        assert miss.usd_per_month is None or DATED[lang].search(told[1])
    families = advice.families(lang).to_dict("records")
    reasons = {row[sentence(f"column.{name}", lang)] for row in families for name in ("reason", "flip")}
    lines = advice_text(advice, rows=5, lang=lang).splitlines()
    told = [line for line in lines if "  " not in line and not any(reason in line for reason in reasons)]
    assert undated("\n".join(told), lang) == []


@every_question
@every_language
def test_every_total_of_a_bill_has_its_dates(asked: str, lang: str) -> None:
    advice = answered(asked)
    dated, per_month, plan_dated = (
        sentence(code, lang, currency="USD")
        for code in ("bill_column.dated", "bill_column.per_month", "plan_column.dated")
    )
    for option in advice.shortlist[::9]:
        bill, plans = advice.bill(option.id, lang=lang), advice.plans(option.id, lang=lang)
        assert per_month in bill
        known = [bool(line.usd_per_month is not None) for line in (*option.bill, *option.people)]
        assert bill[dated][: len(known)][known].str.match(r"\d{4}").all()
        assert bill[dated].tail(3).str.match(r"\d{4}").all() or option.usd_per_month is None
        assert plans[plan_dated].str.match(r"\d{4}").all()
        oldest, newest = option.price_dates
        assert oldest in bill[dated].iloc[-3]
        assert newest in bill[dated].iloc[-3]


def test_the_page_shows_no_total_without_its_dates() -> None:
    from advisor.view.answer import Answer

    for lang in languages():
        shown = Answer()
        shown.show(answered("China"), lang)
        for html in (shown.first.value, shown.reasons.value, shown.plot_note.value, shown.basis.value):
            lines = re.sub(r"<[^>]+>", "\n", html)
            assert undated(lines, lang) == []
        assert sentence("column.price_date", lang) in shown.ranked.value
        assert sentence("column.price_date", lang) in shown.families.value


# Bills and plans


@every_language
def test_a_bill_has_its_lines_and_three_totals(lang: str) -> None:
    advice = answered("China")
    bill = advice.bill(lang=lang)
    assert advice.best is not None
    lines = (*advice.best.bill, *advice.best.people)
    assert len(bill) == len(lines) + 3
    assert bill.columns.tolist() == [sentence(f"bill_column.{name}", lang, currency="USD") for name in COLUMNS]
    source = sentence("bill_column.source", lang)
    assert bill[source].iloc[: len(lines)].ne("").all()


def test_yuan_are_dollars_at_the_dated_rate() -> None:
    advice = answered("China")
    best, rate = advice.best, load().table("currency")["CNY"]["per_usd"]
    assert best is not None
    assert best.usd_per_month is not None
    yuan = advice.bill(currency="cny", lang="en")
    assert yuan["CNY a month"].iloc[-3] == pytest.approx(best.usd_per_month * rate, abs=0.005)
    assert yuan["Worked out"].iloc[0].endswith(f"× {rate} CNY/USD")
    plans = advice.plans(currency="CNY", lang="en")
    assert plans["CNY a month"].iloc[0] == pytest.approx(best.usd_per_month * rate, abs=0.005)


def test_a_chinese_report_shows_yuan_beside_dollars_where_the_total_stands() -> None:
    advice, currency = answered("China"), currency_of(load(), "CNY")
    assert advice.best is not None
    assert advice.best.usd_per_month is not None
    yuan = f"CNY {advice.best.usd_per_month * currency.per_usd:,.2f}"
    chinese, english = advice.to_markdown("zh"), advice.to_markdown("en")
    assert chinese.count(yuan) == 2
    assert currency.dated in chinese
    assert yuan not in english


@pytest.mark.parametrize("code", ["EUR", "", "yuan", "€"])
def test_an_unknown_currency_is_one_sentence_with_those_there_are(code: str) -> None:
    with pytest.raises(RequirementError) as caught:
        answered("China").bill(currency=code)
    for lang in languages():
        said = caught.value.in_language(lang)
        assert "CNY" in said
        assert "USD" in said
        assert repr(code) in said


def test_a_stack_that_is_not_there_has_no_bill() -> None:
    advice = answered("China")
    with pytest.raises(UnknownIdError):
        advice.bill("aws-ec2/nowhere/none/none/none")
    stopped = next(miss for miss in advice._misses())
    with pytest.raises(UnknownIdError):
        advice.plans(stopped.id)


def test_a_saved_advice_has_the_same_bills() -> None:
    advice = answered("China")
    again = Advice.from_json(advice.to_json())
    for option in advice.shortlist[:3]:
        pd.testing.assert_frame_equal(again.bill(option.id, lang="zh"), advice.bill(option.id, lang="zh"))
        pd.testing.assert_frame_equal(again.plans(option.id, lang="zh"), advice.plans(option.id, lang="zh"))


def test_any_stack_that_fits_has_a_bill() -> None:
    advice = answered("China")
    last = advice.options["id"].iloc[-1]
    assert last not in {option.id for option in advice.shortlist}
    assert len(advice.bill(last, lang="en")) > 3


T4 = "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/fp16"


def test_plans_by_hand(ask: Ask, small: Knowledge) -> None:
    advice = ask(qps=2000, p99_ms=200, skills="kubernetes")
    option = advice.option(T4)
    listed, one_year, three_years = plans_of(option, small)
    assert [plan.code for plan in (listed, one_year, three_years)] == ["on-demand", "1-year", "3-year"]
    assert listed.usd_per_month == option.usd_per_month
    machines = option.replicas * 730 * 0.5
    assert one_year.usd_per_month == pytest.approx((option.usd_per_month or 0) - 0.4 * machines)
    assert three_years.usd_per_month == pytest.approx((option.usd_per_month or 0) - 0.6 * machines)
    assert one_year.upfront_usd == 0
    assert one_year.dates == ("2026-01-01", "2026-01-01")


def test_a_commitment_is_paid_for_the_machines_of_the_peak_all_hours(ask: Ask, small: Knowledge) -> None:
    option = ask(qps=2000, p99_ms=200, skills="kubernetes").option("aws-eks/us-east-1/g4dn.xlarge/onnxruntime/fp16")
    line = next(line for line in option.bill if line.item == "machines")
    listed, one_year, _ = plans_of(option, small)
    committed = option.replicas * 730 * 0.5 * 0.6
    assert one_year.usd_per_month - listed.usd_per_month == pytest.approx(committed - (line.usd_per_month or 0))


def test_a_row_of_the_region_and_what_is_paid_on_the_first_day_count(ask: Ask, small: Knowledge) -> None:
    option = ask(p99_ms=500, qps=10).option(T4)
    here = Option(**{name: getattr(option, name) for name in option.__slots__} | {"region": "us-west-2"})
    plans = {(plan.code, plan.upfront_usd): plan for plan in plans_of(here, small)}
    first_day = 0.25 * 730 * 12
    assert ("1-year", first_day) in plans
    rest = (option.usd_per_month or 0) - 730 * 0.5
    assert plans["1-year", first_day].usd_per_month == pytest.approx(rest + 730 * 0.25)


def test_a_price_of_ones_own_is_marked_and_no_list_discount_is_taken_off_it(
    ask: Ask, small: Knowledge, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "provider,service,instance_type,region,usd_per_hour,since\naws,ec2,g4dn.xlarge,us-east-1,0.25,2026-11-02\n"
    )
    advice = ask(Knowledge(small.folder, own), p99_ms=500, qps=10)
    bill = advice.bill(T4, lang="en")
    assert bill["Basis"].iloc[0] == "your own"
    assert bill["Source"].iloc[0] == "own.csv"
    assert [plan.code for plan in plans_of(advice.option(T4), advice.knowledge)] == ["on-demand"]


def test_prices_of_ones_own_fill_and_override_what_is_billed_beside_the_machine(
    ask: Ask, small: Knowledge, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "provider,service,instance_type,region,usd_per_hour,since\n"
        "huawei,ecs,pi2.2xlarge.4,*,0.70,2026-11-01\nhuawei,egress,,*,0.10,2026-11-02\n"
        "huawei,disk,,cn-north-4,0.05,2026-11-03\naws,egress,,us-east-1,0.01,2026-11-04\naws,disk,,*,0.02,2026-11-05\n"
    )
    wishes = {"qps": 10, "p99_ms": 500}
    advice, listed = ask(Knowledge(small.folder, own), **wishes), ask(**wishes)
    north, other = (
        advice.option(f"huawei-ecs/{region}/pi2.2xlarge.4/onnxruntime/fp16")
        for region in ("cn-north-4", "ap-southeast-1")
    )
    assert {line.item: line.basis for line in north.bill} == {"machines": "own", "disk": "own", "egress": "own"}
    assert north.usd_per_month_known
    assert north.price_dates == ("2026-11-01", "2026-11-03")
    assert not other.usd_per_month_known
    assert [line.item for line in other.bill if line.usd_per_month is None] == ["disk"]
    mine = {line.item: line for line in advice.option(T4).bill}
    assert (mine["egress"].unit_price_usd, mine["egress"].source) == (0.01, "own.csv")
    assert mine["disk"].unit_price_usd == 0.02
    elsewhere = "aws-ec2/eu-central-1/g4dn.xlarge/onnxruntime/fp16"
    abroad = {line.item: line.unit_price_usd for line in advice.option(elsewhere).bill}
    before = {line.item: line.unit_price_usd for line in listed.option(elsewhere).bill}
    assert abroad["egress"] == before["egress"] == 0.1
    assert (abroad["disk"], before["disk"]) == (0.02, 0.08)


def test_spot_is_read_from_the_price_lists() -> None:
    advice = advise(Requirements(model="resnet50", qps=300, p99_ms=200, country="US", providers=("aws",)))
    option = next(o for o in advice.shortlist if o.operation == "vm" and o.provider == "aws")
    plans = {plan.code: plan for plan in plans_of(option, load())}
    assert plans["spot"].usd_per_month < plans["on-demand"].usd_per_month
    managed = next((o for o in advice.shortlist if o.operation in ("managed", "serverless")), None)
    assert managed is None or "spot" not in {plan.code for plan in plans_of(managed, load())}


# Command line

CLI = ["--model", "resnet50", "--qps", "20", "--p99-ms", "300", "--country", "CN"]


@every_language
def test_the_command_line_prints_a_bill(capsys: pytest.CaptureFixture[str], lang: str) -> None:
    assert cli.main(["bill", *CLI, "--currency", "CNY", "--lang", lang]) == 0
    out = capsys.readouterr().out
    assert sentence("bill.paid", lang) in out
    assert sentence("bill_column.per_month", lang, currency="CNY") in out
    assert undated(out.splitlines()[0], lang) == []
    if lang == "zh":
        sources = out.index(sentence("bill_column.source", lang) + "\n-")
        assert CHINESE.search(out)
        assert english_words(out[:sources]) == []


def test_the_command_line_prints_a_bill_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bill", *CLI, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "advisor/bill/1"
    assert sum(line["usd_per_month"] for line in document["bill"]) == pytest.approx(document["usd_per_month"])
    people = sum(line["usd_per_month"] for line in document["people"])
    assert document["tco_usd_per_month"] == pytest.approx(document["usd_per_month"] + people)
    assert all(line["formula"] and line["source"] and line["dated"] for line in document["bill"])


@pytest.mark.parametrize(("wrong", "said"), [(["--currency", "EUR"], "CNY"), (["--option", "none/none"], "none/none")])
def test_a_wrong_currency_or_stack_is_one_sentence(
    capsys: pytest.CaptureFixture[str], wrong: list[str], said: str
) -> None:
    assert cli.main(["bill", *CLI, *wrong]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert said in captured.err


def test_a_bill_on_a_terminal_is_that_of_the_library() -> None:
    advice = answered("own room")
    assert advice.best is not None
    text = bill_text(advice.best, advice.knowledge, currency_of(advice.knowledge, "USD"), "en")
    for line in (*advice.best.bill, *advice.best.people):
        assert line.formula in text
