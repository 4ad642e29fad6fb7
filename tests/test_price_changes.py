"""Prices of the user's own: the template changes nothing, and what a file changes is shown beside what was."""

from pathlib import Path

import pytest
from small_knowledge import Ask

from advisor import Knowledge
from advisor.own_prices import COLUMNS
from advisor.price_changes import has_own_price, own_bill_table, own_price_lines, own_price_table, price_template
from advisor.text import languages

T4, L4 = "aws-ec2/us-east-1/g4dn.xlarge/onnxruntime/int8", "aws-ec2/us-east-1/g6.xlarge/onnxruntime/fp16"
HEADER = ",".join(COLUMNS) + "\n"


def priced(small: Knowledge, folder: Path, rows: str) -> Knowledge:
    file = folder / "mine.csv"
    file.write_text(HEADER + rows, encoding="utf-8")
    return Knowledge(small.folder, file)


def test_the_template_holds_the_listed_prices_and_changes_no_cost(ask: Ask, small: Knowledge, tmp_path: Path) -> None:
    listed = ask()
    template = price_template(small, listed.shortlist)
    assert tuple(template.columns) == COLUMNS
    assert {"g4dn.xlarge", "ml.g6.xlarge", "c3-standard-8"} <= set(template["instance_type"])
    rows = template.to_csv(index=False).split("\n", 1)[1]
    mine = ask(priced(small, tmp_path, rows))
    assert [(one.id, one.usd_per_month) for one in mine.shortlist] == [
        (one.id, one.usd_per_month) for one in listed.shortlist
    ]
    assert has_own_price(mine.option(T4))
    assert not has_own_price(listed.option(T4))


def test_functions_and_own_machines_have_no_row_in_the_template(ask: Ask, small: Knowledge) -> None:
    others = [one for one in ask().shortlist if one.site != "cloud" or one.operation == "function"]
    assert others
    assert len(price_template(small, others)) == 0
    assert len(price_template(small, [])) == 0


def test_a_lower_price_changes_the_first_choice_and_the_bill(ask: Ask, small: Knowledge, tmp_path: Path) -> None:
    before, after = ask(), ask(priced(small, tmp_path, "aws,ec2,g6.xlarge,us-east-1,0.01,2026-11-02\n"))
    assert (before.best.id, after.best.id) == (T4, L4)
    lines = list(own_price_lines(before, after, "en"))
    assert "The first choice changes" in lines[0]
    assert "g4dn.xlarge" in lines[0].split("By your prices")[0]
    assert "g6.xlarge" in lines[0].split("By your prices")[1]
    table = own_price_table(before, after, "en").set_index("Stack")
    (row,) = [table.loc[name] for name in table.index if "g6.xlarge" in name and name.startswith("AWS EC2")]
    rank = [one.id for one in before.shortlist].index(L4) + 1
    assert (row["Rank, listed prices"], row["Rank, your prices"]) == (str(rank), "1")
    assert "2026-11-02" in row["USD a month, your prices"]
    bill = own_bill_table(before, after, L4, "en").set_index("Line of the bill")
    was, now = (float(bill.loc["Machines"].iloc[place].split(" ")[0]) for place in (0, 1))
    assert was == pytest.approx(before.option(L4).bill[0].usd_per_month, abs=0.01)
    assert now == pytest.approx(after.option(L4).bill[0].usd_per_month, abs=0.01)
    assert now < was


def test_a_first_choice_that_stays_is_said(ask: Ask, small: Knowledge, tmp_path: Path) -> None:
    before, after = ask(), ask(priced(small, tmp_path, "aws,ec2,g4dn.xlarge,us-east-1,0.01,2026-11-02\n"))
    first, count = own_price_lines(before, after, "en")
    assert "The first choice stays" in first
    assert "2026-11-02" in first
    assert count.startswith("1 of the ")


def test_a_stack_that_does_not_fit_before_has_no_cost_then(ask: Ask, small: Knowledge, tmp_path: Path) -> None:
    wishes = {"budget_usd_month": 300}
    before = ask(**wishes)
    after = ask(priced(small, tmp_path, "aws,ec2,g6.xlarge,us-east-1,0.01,2026-11-02\n"), **wishes)
    assert L4 not in {one.id for one in before.shortlist}
    table = own_price_table(before, after, "en")
    (row,) = table[table["Stack"].str.contains("g6.xlarge")].to_dict("records")
    assert (row["Rank, listed prices"], row["USD a month, listed prices"]) == ("not ranked", "–")


@pytest.mark.parametrize("lang", languages())
def test_tables_are_worded_and_totals_are_dated(ask: Ask, small: Knowledge, tmp_path: Path, lang: str) -> None:
    before, after = ask(), ask(priced(small, tmp_path, "aws,ec2,g4dn.xlarge,us-east-1,0.01,2026-11-02\n"))
    bill = own_bill_table(before, after, T4, lang)
    assert all("20" in cell for row in bill.iloc[-3:, 1:].to_numpy() for cell in row)
    assert len(own_price_table(before, after, lang).columns) == 5
