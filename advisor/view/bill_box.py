"""The bill of a stack: every line with how it is worked out, its source and its date, and other price plans."""

import ipywidgets as w

from advisor.bill_table import printed_bill, total_texts
from advisor.full_advice import FullAdvice
from advisor.knowledge import load
from advisor.money import USD, Currency, currency_of
from advisor.numbers import figure, number
from advisor.plans import printed_plans
from advisor.text import sentence
from advisor.view import markup
from advisor.view.boxes import AdviceBox
from advisor.view.fields import ChoiceField, Field


class BillBox(AdviceBox):
    """Bill and plans of the stack that the reader looks at, in a currency.

    Parameters
    ----------
    lang : str
        Language to begin with.
    """

    def __init__(self, lang: str) -> None:
        self.lead, self.table, self.notes, self.plans = w.HTML(), w.HTML(), w.HTML(), w.HTML()
        fields: dict[str, Field] = {
            "currency": ChoiceField("currency", tuple(load().table("currency")), lambda code, _: str(code))
        }
        super().__init__("bill", lang, fields, self.lead, self.table, self.notes, self.plans)

    def answer_of(self, advice: FullAdvice) -> None:
        """Show the lines, the totals, and the plans."""
        lang, option = self.lang, advice.option(self.chosen)
        currency = currency_of(advice.knowledge, self.fields["currency"].value)
        first, *others = total_texts(option, currency, lang)
        self.lead.value = markup.paragraph(first, "lead") + "".join(map(markup.paragraph, others))
        self.table.value = markup.totalled(markup.table(printed_bill(option, currency, lang)))
        hours = sentence("bill.people", lang, hours=number(option.hours_per_month))
        notes = (*_rate(currency, lang), hours, sentence("bill.open", lang))
        self.notes.value = "".join(markup.paragraph(note, "note") for note in notes)
        self.plans.value = (
            markup.heading(sentence("bill.plans", lang))
            + markup.plain(markup.table(printed_plans(option, advice.knowledge, currency, lang)))
            + markup.paragraph(sentence("bill.plans_note", lang), "note")
        )


def _rate(currency: Currency, lang: str) -> list[str]:
    """Rate of the currency, with its date and source; nothing where amounts are as they are kept."""
    if currency.code == USD:
        return []
    said = {"currency": currency.code, "per_usd": figure(currency.per_usd), "dated": currency.dated}
    return [sentence("view.bill.rate", lang, source=currency.source, **said)]
