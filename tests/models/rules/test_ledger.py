"""The ledger as a whole: whose money is drawn, in which order, and sums that hold after any sequence of postings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from models.core.errors import DataFault, Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.rules.funding import Account, Leg, check_balanced
from models.rules.ledger import Earmark, LineTold, Sum, Told, Use, broken, check_purpose, fits, portions

_BOOK = load_policy_book()
ZUNYI = _BOOK.resolve(region="520300", on=date(2025, 4, 1))
HUANGSHI = _BOOK.resolve(region="420200", on=date(2016, 4, 1))
USE = Use("prj-1", services=frozenset({"comfort"}), units=frozenset({"520302"}))


@pytest.mark.parametrize(
    ("earmark", "fitting"),
    [
        (Earmark(), True),
        (Earmark(projects=frozenset({"prj-1"})), True),
        (Earmark(projects=frozenset({"prj-2"})), False),
        (Earmark(services=frozenset({"comfort", "meals"})), True),
        (Earmark(services=frozenset({"meals"})), False),
        (Earmark(units=frozenset({"520302", "520303"})), True),
        (Earmark(services=frozenset({"comfort"}), units=frozenset({"520303"})), False),
    ],
)
def test_money_kept_for_a_purpose_fits_no_other(earmark: Earmark, fitting: bool) -> None:
    assert fits(earmark=earmark, use=USE) is fitting


def test_a_project_that_names_no_service_fits_no_earmark_of_services() -> None:
    assert not fits(earmark=Earmark(services=frozenset({"meals"})), use=Use("prj-1"))


def test_only_what_other_money_could_cover_is_a_question_of_purpose() -> None:
    """ZY-94: beyond all there is, it is the balance that lacks (ZY-78)."""
    have = {"fitting": Money(10), "kept": Money(5)}

    check_purpose(wanted=Money(10), **have, policy=ZUNYI)
    check_purpose(wanted=Money(16), **have, policy=ZUNYI)
    for policy, rule_id in ((ZUNYI, "ZY-94"), (HUANGSHI, "SYS-EARMARK")):
        with pytest.raises(Refusal) as caught:
            check_purpose(wanted=Money(11), **have, policy=policy)
        assert (caught.value.code, caught.value.rule) == ("funding.earmark", rule_id)


def test_portions_use_up_each_fund_before_the_next_and_never_more_than_there_is() -> None:
    held = ((None, Money(3)), ("fnd-a", Money(4)), ("fnd-b", Money(5)))

    assert portions(held=held, amount=Money(5)) == ((None, Money(3)), ("fnd-a", Money(2)))
    assert portions(held=held, amount=Money.ZERO) == ()
    with pytest.raises(DataFault) as caught:
        portions(held=held, amount=Money(13))
    assert caught.value.code == "funding.not_held"


# --- what does not hold is found ------------------------------------------------------------------------------------

LINE = {"project": "p", "line": "l", "contract": "c"}
WHOLE = (
    Sum(Account.APPROPRIATION, "local_budget", 2016, Money(-100), project="p"),
    Sum(Account.REMAINING, "local_budget", 2016, Money(20), project="p"),
    Sum(Account.COMMITTED, "local_budget", 2016, Money(50), **LINE),
    Sum(Account.PAID, "local_budget", 2016, Money(30), **LINE),
)
TOLD = Told(
    lines={"l": LineTold("issued", Money(80))},
    prices={"c": Money(80)},
    payments={("l", "c"): Money(30)},
    budgets={("p", "local_budget", 2016): Money(100)},
)


def _codes(sums: tuple[Sum, ...], told: Told = TOLD) -> set[str]:
    return {one.code for one in broken(sums=sums, told=told)}


def test_a_whole_ledger_is_whole() -> None:
    assert _codes(WHOLE) == set()
    assert _codes((), Told()) == set()


@pytest.mark.parametrize(
    ("number", "account", "amount", "codes"),
    [
        (1, Account.REMAINING, Money(21), {"uneven"}),
        (1, Account.REMAINING, Money(-20), {"uneven", "below_zero"}),
        (0, Account.APPROPRIATION, Money(-90), {"uneven", "budget"}),
        (3, Account.PAID, Money(31), {"uneven", "line", "price", "payments"}),
        (2, Account.CARRIED, Money(50), {"carried", "line"}),
    ],
)
def test_an_altered_posting_is_found(number: int, account: Account, amount: Money, codes: set[str]) -> None:
    altered = list(WHOLE)
    altered[number] = replace(WHOLE[number], account=account, amount=amount)

    assert _codes(tuple(altered)) == codes


@pytest.mark.parametrize(
    ("told", "codes"),
    [
        (replace(TOLD, lines={"l": LineTold("closed", Money(80))}), {"line"}),
        (replace(TOLD, lines={"l": LineTold("issued", Money(90))}), {"line"}),
        (replace(TOLD, lines={"l": LineTold("issued", Money(90), Money(10))}), set()),
        (replace(TOLD, prices={"c": Money(79)}), {"price"}),
        (replace(TOLD, payments={}), {"payments"}),
        (replace(TOLD, budgets={}), {"budget"}),
        (replace(TOLD, recovered={("l", "c"): Money(1)}), {"recovered"}),
        (replace(TOLD, returned={("p", "local_budget", 2016): Money(1)}), {"returned"}),
        (replace(TOLD, funds={"f": Money(1)}), {"fund"}),
    ],
)
def test_a_row_that_says_otherwise_is_found(told: Told, codes: set[str]) -> None:
    assert _codes(WHOLE, told) == codes


# --- any sequence of moves -------------------------------------------------------------------------------------------

_CHANNELS = st.sampled_from(["local_budget", "donation"])
_AMOUNTS = st.integers(1, 500).map(Money)
_STEPS = ((Account.RESERVED, Account.PLANNED), (Account.PLANNED, Account.COMMITTED), (Account.COMMITTED, Account.PAID))


class Books(RuleBasedStateMachine):
    """Money comes in, is reserved, planned, committed, paid, got back, carried over, taken back by its donor."""

    funds = Bundle("funds")
    lines = Bundle("lines")

    def __init__(self) -> None:
        super().__init__()
        self.sums: dict[Sum, Money] = defaultdict(lambda: Money.ZERO)
        self.told_lines: dict[str, LineTold] = {}
        self.payments: dict[tuple[str | None, str | None], Money] = defaultdict(lambda: Money.ZERO)
        self.recovered: dict[tuple[str | None, str | None], Money] = defaultdict(lambda: Money.ZERO)
        self.given: dict[str, Money] = {}
        self.channel: dict[str, str] = {}
        self.gone: set[str] = set()

    def _post(self, *legs: Leg, line: str | None = None, contract: str | None = None) -> None:
        check_balanced(legs=legs)
        for leg in legs:
            at = Sum(leg.account, leg.channel, leg.year, Money.ZERO, "p", line, contract, leg.fund)
            self.sums[at] += leg.amount

    def _held(self, account: Account, *, channel: str = "", line: str | None = None) -> list[tuple[str | None, Money]]:
        by_fund: dict[str | None, Money] = defaultdict(lambda: Money.ZERO)
        for at, amount in self.sums.items():
            if at.account is account and at.year == 2025 and at.channel == channel and (not line or at.line == line):
                by_fund[at.fund] += amount
        return sorted(((fund, left) for fund, left in by_fund.items() if left), key=lambda held: held[0] or "")

    def _move(self, line: str, source: Account, target: Account, amount: Money) -> None:
        channel = self.channel[line]
        held = self._held(source, channel=channel, line=line)
        amount = min(amount, Money.total(left for _, left in held))
        bound = "c" if Account.COMMITTED in (source, target) or Account.PAID in (source, target) else None
        for fund, part in portions(held=held, amount=amount):
            home = Account.ALLOTTED if target is Account.REMAINING else target
            self._post(
                Leg(source, channel, 2025, -part, fund), Leg(home, channel, 2025, part, fund), line=line, contract=bound
            )
        if target is Account.PAID:
            self.payments[line, "c"] += amount
        elif target is Account.RECOVERED:
            self.recovered[line, "c"] += amount

    @rule(target=funds, channel=_CHANNELS, amount=_AMOUNTS)
    def money_comes_in(self, channel: str, amount: Money) -> str:
        fund = f"f{len(self.given)}"
        self.given[fund], self.channel[fund] = amount, channel
        self._post(
            Leg(Account.APPROPRIATION, channel, 2025, -amount, fund), Leg(Account.ALLOTTED, channel, 2025, amount, fund)
        )
        return fund

    @rule(target=lines, channel=_CHANNELS, amount=_AMOUNTS)
    def a_line_is_drafted(self, channel: str, amount: Money) -> str:
        line = f"l{len(self.told_lines)}"
        self.channel[line] = channel
        held = self._held(Account.ALLOTTED, channel=channel)
        taken = portions(held=held, amount=min(amount, Money.total(left for _, left in held)))
        for fund, part in taken:
            self._post(
                Leg(Account.ALLOTTED, channel, 2025, -part, fund),
                Leg(Account.RESERVED, channel, 2025, part, fund),
                line=line,
            )
        self.told_lines[line] = LineTold("issued", Money.total(part for _, part in taken))
        return line

    @rule(line=lines, step=st.sampled_from(_STEPS), amount=_AMOUNTS)
    def money_goes_a_step(self, line: str, step: tuple[Account, Account], amount: Money) -> None:
        self._move(line, *step, amount)

    @rule(line=lines, amount=_AMOUNTS)
    def money_is_got_back(self, line: str, amount: Money) -> None:
        self._move(line, Account.PAID, Account.RECOVERED, amount)

    @rule(line=consumes(lines))
    def a_line_is_closed(self, line: str) -> None:
        for source in (Account.RESERVED, Account.PLANNED, Account.COMMITTED):
            self._move(line, source, Account.REMAINING, Money(10**9))
        self.told_lines[line] = replace(self.told_lines[line], state="closed")

    @rule(fund=consumes(funds))
    def a_donor_takes_back(self, fund: str) -> None:
        for at, _ in list(self.sums.items()):
            if at.fund != fund or at.account not in (Account.RESERVED, Account.PLANNED, Account.COMMITTED):
                continue
            left = Money.total(
                amount
                for one, amount in self.sums.items()
                if (one.account, one.line, one.fund, one.year) == (at.account, at.line, fund, at.year)
            )
            if not left or at.line is None:
                continue
            bound = "c" if at.account is Account.COMMITTED else None
            self._post(
                Leg(at.account, at.channel, at.year, -left, fund),
                Leg(Account.RETURNED, at.channel, at.year, left, fund),
                line=at.line,
                contract=bound,
            )
            told = self.told_lines[at.line]
            self.told_lines[at.line] = replace(told, uncovered=told.uncovered + left)
        for year in (2025, 2026):
            free = Money.total(
                amount
                for one, amount in self.sums.items()
                if (one.account, one.fund, one.year) == (Account.ALLOTTED, fund, year)
            )
            channel = self.channel[fund]
            self._post(
                Leg(Account.ALLOTTED, channel, year, -free, fund), Leg(Account.RETURNED, channel, year, free, fund)
            )

    @rule(channel=_CHANNELS)
    def the_year_ends(self, channel: str) -> None:
        for fund, left in self._held(Account.ALLOTTED, channel=channel):
            self._post(
                Leg(Account.ALLOTTED, channel, 2025, -left, fund),
                Leg(Account.CARRIED, channel, 2025, left, fund),
                Leg(Account.CARRIED, channel, 2026, -left, fund),
                Leg(Account.ALLOTTED, channel, 2026, left, fund),
            )

    def _told(self) -> Told:
        return Told(
            lines=self.told_lines, payments=dict(self.payments), funds=self.given, recovered=dict(self.recovered)
        )

    def _sums(self) -> tuple[Sum, ...]:
        return tuple(replace(at, amount=amount) for at, amount in self.sums.items())

    @invariant()
    def the_sums_hold(self) -> None:
        assert broken(sums=self._sums(), told=self._told()) == ()

    @precondition(lambda self: bool(self.given))
    @invariant()
    def a_lost_fen_is_found(self) -> None:
        first, *rest = self._sums()
        assert broken(sums=(replace(first, amount=first.amount + Money(1)), *rest), told=self._told())


Books.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestBooks = Books.TestCase
