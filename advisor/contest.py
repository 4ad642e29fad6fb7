"""Two ways to serve one model, held against each other: what each costs for a question, and whether it fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from advisor.axes import requests_of, with_horizon
from advisor.billed import usd_per_month_of
from advisor.bills import source_title
from advisor.columns import Stacks
from advisor.crossings import Payments, Point
from advisor.evaluation import Evaluation
from advisor.feasibility import DATA_SCOPES
from advisor.options import names_of, option_ids, reasons
from advisor.requirements import Requirements, settings
from advisor.results import Reason
from advisor.stacks import only
from advisor.tokens import TokenPrice, api_usd_per_month

Answer = Callable[[Requirements, Stacks], Evaluation]
"""What the stages say of some stacks for a question."""
_DECIMALS = 6
"""Of a month, beyond which a quotient is rounding."""


@dataclass(frozen=True)
class StackSide:
    """A stack of the knowledge."""

    id: str
    names: Mapping[str, str]
    dated: str
    """Of the price."""
    source: str
    row: int
    """Its place among the stacks that are asked."""

    def usd_per_month(self, ev: Evaluation) -> float:
        """Its monthly cost; NaN where unknown."""
        row = np.array([self.row])
        usd, _ = usd_per_month_of(ev.ledger, ev.found.run[row], ev.found.platform[row])
        return float(usd[0])

    def fits(self, ev: Evaluation) -> bool:
        """Whether no rule stops it."""
        return not ev.mask[self.row]

    def stops(self, ev: Evaluation) -> tuple[Reason, ...]:
        """Rules that stop it."""
        return reasons(ev, ev.limits, self.row)

    def plan(self, ev: Evaluation) -> tuple[float, ...]:
        """Batch, slots and shape of its workers."""
        cell = int(ev.sized.cell[ev.found.run[self.row]])
        cells = ev.sized.cells
        return float(cells.batch[cell]), float(cells.slots[cell]), float(cells.shape[cell])

    def upfront_usd(self, ev: Evaluation) -> float:
        """Money for all of its machines before the start; NaN where unknown."""
        run = int(ev.found.run[self.row])
        machine = int(ev.found.run_machine[run])
        places = 1 if ev.found.machines.site[machine] == 0 else ev.asking.asked.sites
        return float(ev.bill.upfront_usd[machine] * ev.sized.replicas[run] * places)


@dataclass(frozen=True)
class ApiSide:
    """The API of a provider that bills the tokens of a hosted model; no rule of latency or quota is known of it."""

    id: str
    names: Mapping[str, str]
    dated: str
    source: str
    price: TokenPrice

    def usd_per_month(self, ev: Evaluation) -> float:
        """What its tokens cost a month."""
        asking = ev.asking
        return api_usd_per_month(self.price, requests_of(asking), asking.input_tokens, asking.output_tokens)

    def fits(self, ev: Evaluation) -> bool:
        """Whether data may leave the premises and there is a network."""
        return not self.stops(ev)

    def stops(self, ev: Evaluation) -> tuple[Reason, ...]:
        """Rules that stop it: a provider's service is neither on the premises nor without a network."""
        scope, rules = DATA_SCOPES.index(ev.asking.asked.data), ev.knowledge.rules
        needs = (("data-scope", scope, DATA_SCOPES.index("country")), ("offline", int(ev.asking.needs_no_network), 0))
        return tuple(Reason(rule, need, have, rules[rule].unit) for rule, need, have in needs if need > have)

    def plan(self, ev: Evaluation) -> tuple[float, ...]:  # noqa: ARG002  # a service has nothing to set up
        """Nothing to set up."""
        return ()

    def upfront_usd(self, ev: Evaluation) -> float:  # noqa: ARG002  # tokens are bought one by one
        """No money before the start."""
        return 0.0


Side = StackSide | ApiSide


@dataclass(frozen=True)
class Contest:
    """Two contestants, and how they are asked."""

    first: Side
    second: Side
    stacks: Stacks
    answer: Answer

    def seen(self, asked: Requirements) -> Evaluation:
        """What the stages say of the stacks among them."""
        return self.answer(asked, self.stacks)

    def point(self, at: float, asked: Requirements) -> Point:
        """Both at a place of an axis."""
        ev, sides = self.seen(asked), (self.first, self.second)
        (usd, other_usd), (fits, other_fits) = ([side.usd_per_month(ev) for side in sides], [s.fits(ev) for s in sides])
        return Point(at, (usd, other_usd), (fits, other_fits), tuple(side.plan(ev) for side in sides))

    def payments(self, asked: Requirements) -> tuple[Payments, Payments]:
        """How each is paid for.

        A month of use puts the whole price of the hardware into that month, so the running cost is what remains; the
        longest use that may be asked for spreads the price over the life of the hardware, which gives that life.
        """
        shortest, longest = (settings()["bounds"]["horizon_months"][end] for end in ("least", "most"))
        once, long = (self.seen(with_horizon(asked, months)) for months in (shortest, longest))
        one, other = (_payments(side, once, long, shortest) for side in (self.first, self.second))
        return one, other


def _payments(side: Side, once: Evaluation, long: Evaluation, shortest: float) -> Payments:
    upfront = side.upfront_usd(once)
    running = side.usd_per_month(once) - upfront / shortest
    life = round(upfront / (side.usd_per_month(long) - running), _DECIMALS) if upfront else inf
    return Payments(upfront, running, life)


def rows_named(found: Stacks, option_id: str) -> list[int]:
    """Candidates that an id names: one, or none."""
    systems = [place for place, system in enumerate(found.platforms) if option_id.startswith(f"{system.id}/")]
    rows = np.flatnonzero(np.isin(found.platform, systems))
    return [int(row) for row in rows[option_ids(found, rows) == option_id]]


def contest_of(ev: Evaluation, answer: Answer, first: int | TokenPrice, second: int | TokenPrice) -> Contest:
    """Contest of two rows of an evaluation, or of a row and an API."""
    rows = [each for each in (first, second) if isinstance(each, int)]
    sides = [
        _stack_side(ev, each, rows.index(each)) if isinstance(each, int) else _api_side(each)
        for each in (first, second)
    ]
    return Contest(sides[0], sides[1], only(ev.found, np.array(rows)), answer)


def _stack_side(ev: Evaluation, row: int, place: int) -> StackSide:
    machines = ev.found.machines
    run = int(ev.found.run[row])
    machine, precision = int(ev.found.run_machine[run]), ev.found.classes[int(ev.found.run_class[run])].precision
    return StackSide(
        id=str(option_ids(ev.found, np.array([row]))[0]),
        names=names_of(ev, row) | {"region": str(machines.region[machine]), "precision": precision},
        dated=str(machines.since[machine]),
        source=source_title(ev.knowledge, str(machines.source[machine])),
        row=place,
    )


def _api_side(price: TokenPrice) -> ApiSide:
    names = {"system": price.provider, "hardware": price.model, "region": "", "engine": "", "precision": ""}
    return ApiSide(price.id, names, price.from_date or price.dated, price.source, price)
