"""Rules of the ledger: whose money a project may draw, in which order it goes, and what must hold of all postings.

Pure; called by ``commands.ledger`` and by the check of the whole ledger (``queries.ledger_check``). Never reads the
database. A sum that does not hold is never mended here: it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.core.errors import DataFault, Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.funding import Account

_COVERED: Final = frozenset({"drafted", "signed", "issued", "paid"})
_OPEN: Final = (Account.RESERVED, Account.PLANNED, Account.COMMITTED)
_SPENT: Final = (Account.PAID, Account.RECOVERED)
_ANYTHING: Final = 1_000_000  # more than any earmark names
_OUTSIDE: Final = frozenset({Account.APPROPRIATION, Account.CARRIED})
"""Accounts that may stand below zero: the source, and money on its way from one year to the next."""


@dataclass(frozen=True)
class Earmark:
    """What money is for, as codes; an empty set: anything."""

    projects: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()

    @classmethod
    def read(cls, stored: Mapping[str, Sequence[str]]) -> Earmark:
        """Return the earmark a fund's row holds."""
        return cls(*(frozenset(stored.get(name, ())) for name in ("projects", "services", "units")))


@dataclass(frozen=True)
class Use:
    """What a project would use money for: its id, its service codes, the units it stands at."""

    project: str
    services: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()


def fits(*, earmark: Earmark, use: Use) -> bool:
    """Say whether money may be used so: a named project, only services named, a unit named."""
    return (
        (not earmark.projects or use.project in earmark.projects)
        and (not earmark.services or (bool(use.services) and use.services <= earmark.services))
        and (not earmark.units or bool(use.units & earmark.units))
    )


def narrow_first(earmark: Earmark) -> tuple[int, ...]:
    """Return the key that puts money for few before money for many, so that a line leaves to others what is theirs."""
    return tuple(len(named) or _ANYTHING for named in (earmark.projects, earmark.units, earmark.services))


def check_purpose(*, wanted: Money, fitting: Money, kept: Money, policy: Policy) -> None:
    """Refuse to reserve what only money kept for another purpose could cover (``funding.earmark``, ZY-94).

    ``fitting`` is what the project may draw, ``kept`` what the channel holds for other purposes.
    """
    if fitting < wanted <= fitting + kept:
        facts = {"wanted": str(wanted), "fitting": str(fitting), "kept": str(kept)}
        raise Refusal("funding.earmark", rule=binding(policy=policy, rules=("ZY-94", "SYS-EARMARK")), facts=facts)


_Key = tuple[object, ...]
Held = tuple[str | None, Money]
"""A fund (``None``: the project's own budget) and an amount of it."""


def portions(*, held: Sequence[Held], amount: Money) -> tuple[Held, ...]:
    """Return of which funds an amount is taken, in the order given, each until it is used up.

    Raises ``DataFault`` ``funding.not_held`` (SYS-LEDGER) when they do not hold the amount.
    """
    taken: list[Held] = []
    left = amount
    for fund, available in held:
        part = min(left, available)
        if part > Money.ZERO:
            taken.append((fund, part))
            left -= part
    if left:
        raise DataFault("funding.not_held", rule="SYS-LEDGER", facts={"missing": str(left)})
    return tuple(taken)


@dataclass(frozen=True)
class Sum:
    """The sum of the postings that agree in account, channel, year, project, plan line, contract and fund."""

    account: Account
    channel: str
    year: int
    amount: Money
    project: str | None = None
    line: str | None = None
    contract: str | None = None
    fund: str | None = None


@dataclass(frozen=True)
class LineTold:
    """What a plan line says of itself."""

    state: str
    amount: Money
    uncovered: Money = Money.ZERO


@dataclass(frozen=True)
class Told:
    """What the other tables say: plan lines, prices, payments and recoveries by (line, contract), budgets and what was
    returned of them by (project, channel, year), funds."""

    lines: Mapping[str, LineTold] = field(default_factory=dict)
    prices: Mapping[str, Money] = field(default_factory=dict)
    payments: Mapping[tuple[str | None, str | None], Money] = field(default_factory=dict)
    budgets: Mapping[tuple[str | None, str, int], Money] = field(default_factory=dict)
    funds: Mapping[str, Money] = field(default_factory=dict)
    recovered: Mapping[tuple[str | None, str | None], Money] = field(default_factory=dict)
    returned: Mapping[tuple[str | None, str, int], Money] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """One thing that does not hold: its code (``funding.broken.<code>``), what it is about, by how much."""

    code: str
    subject: str
    amount: Money


def broken(*, sums: Iterable[Sum], told: Told) -> tuple[Broken, ...]:
    """Return everything that does not hold of a ledger, nothing when it is whole.

    Every channel, year and fund sums to zero; no account below zero at the level its money is kept; a plan line holds
    its amount, a closed one nothing; payments, prices, budgets and funds agree with their postings; what left one year
    arrived in another.
    """
    rows = tuple(sums)
    return (
        *_uneven(rows),
        *_below_zero(rows),
        *_lines(rows, told),
        *_contracts(rows, told),
        *_sources(rows, told),
        *_backs(rows, told),
    )


def _total(pairs: Iterable[tuple[_Key, Money]]) -> dict[_Key, Money]:
    totals: dict[_Key, Money] = defaultdict(lambda: Money.ZERO)
    for key, amount in pairs:
        totals[key] += amount
    return totals


def _told(code: str, key: _Key, amount: Money) -> Broken:
    return Broken(code, "/".join(str(part) for part in key if part is not None), amount)


def _uneven(rows: Sequence[Sum]) -> list[Broken]:
    books = _total(((row.channel, row.year, row.fund), row.amount) for row in rows)
    carried = _total(
        ((row.channel, row.project, row.fund), row.amount) for row in rows if row.account is Account.CARRIED
    )
    return [_told("uneven", key, left) for key, left in books.items() if left] + [
        _told("carried", key, left) for key, left in carried.items() if left
    ]


def _place(row: Sum) -> _Key:
    """Return where the money of an account is kept, so that no place may fall below zero."""
    head = (row.account.value, row.channel, row.year, row.fund)
    if row.account is Account.ALLOTTED:
        return head
    if row.account in (Account.REMAINING, Account.RETURNED):
        return (*head, row.project)
    if row.account in (Account.RESERVED, Account.PLANNED):
        return (*head, row.line)
    return (*head, row.line, row.contract)


def _below_zero(rows: Sequence[Sum]) -> list[Broken]:
    places = _total((_place(row), row.amount) for row in rows if row.account not in _OUTSIDE)
    return [_told("below_zero", key, left) for key, left in places.items() if left < Money.ZERO]


def _lines(rows: Sequence[Sum], told: Told) -> list[Broken]:
    held = _total(((row.line,), row.amount) for row in rows if row.line and row.account in (*_OPEN, *_SPENT))
    still = _total(((row.line,), row.amount) for row in rows if row.line and row.account in _OPEN)
    found = []
    for name, line in told.lines.items():
        if line.state in _COVERED:
            off = held.get((name,), Money.ZERO) - (line.amount - line.uncovered)
        else:
            off = still.get((name,), Money.ZERO)
        if off:
            found.append(_told("line", (name,), off))
    return found


def _contracts(rows: Sequence[Sum], told: Told) -> list[Broken]:
    bound = (Account.COMMITTED, *_SPENT)
    claimed = _total(((row.contract,), row.amount) for row in rows if row.contract and row.account in bound)
    spent = _total(((row.line, row.contract), row.amount) for row in rows if row.account in _SPENT)
    over = [
        _told("price", (name,), claimed[name,] - price)
        for name, price in told.prices.items()
        if claimed.get((name,), Money.ZERO) > price
    ]
    stated: list[tuple[_Key, Money]] = [(key, -amount) for key, amount in told.payments.items()]
    return over + _apart("payments", (*spent.items(), *stated))


def _backs(rows: Sequence[Sum], told: Told) -> list[Broken]:
    recovered: list[tuple[_Key, Money]] = [
        ((row.line, row.contract), row.amount) for row in rows if row.account is Account.RECOVERED
    ]
    returned: list[tuple[_Key, Money]] = [
        ((row.project, row.channel, row.year), row.amount)
        for row in rows
        if row.account is Account.RETURNED and row.fund is None
    ]
    recovered += [(key, -amount) for key, amount in told.recovered.items()]
    returned += [(key, -amount) for key, amount in told.returned.items()]
    return [*_apart("recovered", recovered), *_apart("returned", returned)]


def _apart(code: str, pairs: Iterable[tuple[_Key, Money]]) -> list[Broken]:
    """Return where two sides that should cancel out do not."""
    return [_told(code, key, off) for key, off in _total(pairs).items() if off]


def _sources(rows: Sequence[Sum], told: Told) -> list[Broken]:
    opened = [row for row in rows if row.account is Account.APPROPRIATION]
    budgets: list[tuple[_Key, Money]] = [
        ((row.project, row.channel, row.year), row.amount) for row in opened if row.fund is None
    ]
    funds: list[tuple[_Key, Money]] = [((row.fund,), row.amount) for row in opened if row.fund is not None]
    budgets += [(key, amount) for key, amount in told.budgets.items()]
    funds += [((name,), amount) for name, amount in told.funds.items()]
    return [*_apart("budget", budgets), *_apart("fund", funds)]
