"""The quarterly plan as an integer programme (S09): which projects a batch takes up, out of which channels.

Owns the programme's values and exact sums; ``rules.plan_limits`` holds the limits, ``rules.plan_search`` finds the
plan, ``rules.plan_left_out`` explains it. Pure: called with frozen candidates and money by ``commands.plan_proposal``
and the plan's queries. Must never pool channels (ZY-10) and never judge a plan by a float: money is fen, scores are
hundredths of a point, factors thousandths, and every plan is added up again in whole numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Final

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.plan_limits import FULL, Limit, Purses, Room, Shares

COVERAGE: Final = "coverage"
SCORE: Final = "score"
PERFORMANCE: Final = "performance"
SOCIAL_SHARE: Final = "social_share"
POINT: Final = 100  # hundredths
WHOLE: Final = 1000  # thousandths


@dataclass(frozen=True)
class Part:
    """What a project asks of one channel, in fen: ``now`` its phase of this quarter; ``pool`` what the year's phases
    take from money that is no project's, out of the ``funds`` whose purpose allows it."""

    channel: str
    now: int
    pool: int = 0
    funds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A project that may be taken up, whole or cut to a share. ``unit`` is where it stands, for the floors.

    ``people`` whose need it covers; ``score`` in hundredths of a point; ``factor`` in thousandths (acceptance grade
    and ZY-110/ZY-111). ``assumed`` names what no record states. ``effect`` is ``tilt``, ``less``, ``none`` or empty
    with its ``reason``; ``cites`` the acceptance conclusion it rests on (ZY-98). ``social``: to be bought from social
    organisations only. ``carry_over``: begun in an earlier batch.
    """

    project: str
    unit: str
    people: int
    score: int
    factor: int
    parts: tuple[Part, ...]
    carry_over: bool = False
    social: bool = False
    effect: str = ""
    reason: str = ""
    cites: str = ""
    assumed: tuple[str, ...] = ()

    @cached_property
    def now(self) -> int:
        """Fen asked for in this quarter, over all channels."""
        return sum(part.now for part in self.parts)

    def at(self, share: int) -> int:
        """Fen it gets in this quarter at a share, each channel's part rounded down."""
        return self.now if share == FULL else sum(part.now * share // FULL for part in self.parts)

    @property
    def barred(self) -> bool:
        """Whether nothing new may be arranged for it (ZY-111) or it has no money of its own to plan with."""
        return not self.carry_over and (self.effect == "none" or not self.now)


@dataclass(frozen=True)
class Purse:
    """Money of a channel that is no project's yet, in fen: an allotment or a donation, each with its own purpose."""

    fund: str
    channel: str
    amount: int


@dataclass(frozen=True)
class Ceiling:
    """What of a channel may go out in this batch at most, in fen."""

    channel: str
    amount: int


@dataclass(frozen=True)
class Settings:
    """What policy states for the programme; ratios are decimal text. ``social_ratio`` is empty where nothing asks.

    ``least`` is the smallest share a new project starts with, in ten-thousandths. ``social_penalty`` is how many times
    the average worth of money a missing fen costs, ``floor_weight`` how many times the worthiest project a missing
    project of a floor costs, both as if every candidate had the best score (``best_score``, hundredths).
    """

    social_ratio: str
    social_penalty: str
    floor_projects: int
    floor_weight: str
    gap_limit: str
    seed: int
    least: int
    best_score: int


@dataclass(frozen=True)
class Aim:
    """A scenario: its code and what counts in it (``coverage``, ``score``, ``performance``, ``social_share``)."""

    code: str
    terms: tuple[str, ...]

    def worth(self, one: Candidate) -> int:
        """Return what a candidate taken up is worth: people × hundredths × thousandths, without what does not count."""
        return self.weight(one) * (one.score if SCORE in self.terms else POINT)

    def weight(self, one: Candidate) -> int:
        """Return what a hundredth of a point is worth for a candidate."""
        people = one.people if COVERAGE in self.terms else 1
        return people * (one.factor if PERFORMANCE in self.terms else WHOLE)


@dataclass(frozen=True)
class Instance:
    """All a plan is made of. Candidates stand by project, so that equal facts make equal programmes."""

    candidates: tuple[Candidate, ...]
    purses: tuple[Purse, ...]
    ceilings: tuple[Ceiling, ...]
    settings: Settings
    aims: tuple[Aim, ...]

    @cached_property
    def places(self) -> dict[str, int]:
        """Project → place."""
        return {one.project: place for place, one in enumerate(self.candidates)}

    @cached_property
    def carried(self) -> Shares:
        """What every plan holds: what was begun goes on first, in full."""
        return {place: FULL for place, one in enumerate(self.candidates) if one.carry_over}

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The channels' limits: what may go out in this batch, and what its funds hold for the year, purpose by
        purpose: one limit for all who may draw on the same funds.
        """
        asked: dict[str, dict[int, int]] = defaultdict(dict)
        drawn: dict[str, dict[tuple[str, ...], dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
        for place, one in enumerate(self.candidates):
            for part in one.parts:
                if part.now:
                    asked[part.channel][place] = part.now
                if part.pool:
                    drawn[part.channel][tuple(sorted(part.funds))][place] = part.pool
        found = [Limit(one.channel, asked[one.channel], max(one.amount, 0)) for one in self.ceilings]
        held = {purse.fund: purse.amount for purse in self.purses}
        for channel, sets in sorted(drawn.items()):
            purses = Purses.of(channel=channel, held=held, sets=sets)
            for kind, funds in enumerate(purses.allowed):
                cap = sum(purses.held[fund] for fund in funds)
                found.append(Limit(channel, sets[tuple(sorted(funds))], cap, purses, kind))
        return tuple(found)

    @cached_property
    def needs(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each candidate the places of the limits it comes under, with its fen in each."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.candidates]
        for at, limit in enumerate(self.limits):
            for place, fen in limit.amounts.items():
                found[place].append((at, fen))
        return tuple(tuple(one) for one in found)

    @cached_property
    def floors(self) -> dict[str, int]:
        """Unit → how many projects it should have in the batch: the floor, or fewer where it has fewer to offer."""
        offered: dict[str, int] = defaultdict(int)
        for one in self.candidates:
            if one.carry_over or not one.barred:
                offered[one.unit] += 1
        return {unit: min(self.settings.floor_projects, count) for unit, count in sorted(offered.items())}


def instance_of(
    *, candidates: Iterable[Candidate], purses: Iterable[Purse], ceilings: Iterable[Ceiling], policy: Policy
) -> Instance:
    """Return the programme of a batch under a policy, in an order of its own.

    A scenario that differs from another only by a share nobody asks for here is left out.
    """
    funding = policy.funding
    ratio = funding.social_org_ratio_min
    aims: dict[tuple[str, ...], Aim] = {}
    for code, terms in funding.plan_scenarios.items():
        counted = tuple(sorted(term for term in terms if term != SOCIAL_SHARE or ratio is not None))
        aims.setdefault(counted, Aim(code, counted))
    return Instance(
        candidates=tuple(sorted(candidates, key=lambda one: one.project)),
        purses=tuple(sorted(purses, key=lambda one: (one.channel, one.fund))),
        ceilings=tuple(sorted(ceilings, key=lambda one: one.channel)),
        settings=Settings(
            social_ratio="" if ratio is None else str(ratio),
            social_penalty=str(funding.plan_social_penalty),
            floor_projects=funding.plan_floor_projects,
            floor_weight=str(funding.plan_floor_weight),
            gap_limit=str(funding.plan_gap_limit),
            seed=funding.plan_solver_seed,
            least=int(funding.plan_least_share * FULL),
            best_score=int(policy.review.score_max * POINT),
        ),
        aims=tuple(aims.values()),
    )


def check_carry_over(*, instance: Instance, policy: Policy) -> None:
    """Refuse money that does not even carry on what was begun, naming the first channel (ZY-78).

    Raises ``Refusal`` ``funding.carry_over_short``.
    """
    for at, short in exceeded(instance=instance, shares=instance.carried).items():
        channel = instance.limits[at].channel
        raise Refusal(
            "funding.carry_over_short",
            rule=binding(policy=policy, rules=("ZY-78", "SYS-BALANCE")),
            facts={"channel": policy.funding.sources.get(channel, channel), "short": str(Money(short))},
        )


@dataclass(frozen=True)
class Sums:
    """The exact sums of a selection: ``new`` and ``social`` in fen of newly arranged purchases, missing floors."""

    worth: Fraction
    new: int
    social: int
    missing: Mapping[str, int]


class Score:
    """The exact objective of one scenario of one instance, in whole numbers and fractions."""

    def __init__(self, instance: Instance, aim: Aim) -> None:
        self.instance, self.aim = instance, aim
        self.worths = tuple(aim.worth(one) for one in instance.candidates)
        settings = instance.settings
        # what the best score would be worth: so that a project's own score does not move what floors and shares cost
        best = settings.best_score if SCORE in aim.terms else POINT
        at_best = [aim.weight(one) * best for one in instance.candidates]
        self.floor_cost = ceil(Fraction(settings.floor_weight) * max((1, *at_best)))
        asked = SOCIAL_SHARE in aim.terms and settings.social_ratio
        self.ratio = Fraction(settings.social_ratio) if asked else None
        money = sum(one.now for one in instance.candidates if not one.carry_over)
        per_fen = Fraction(sum(at_best), money) if money else Fraction(0)
        self.social_cost = Fraction(settings.social_penalty) * per_fen if asked else Fraction(0)
        self.social_unit = max(money // 100, 1)  # fen of one unit of the column that says what is short

    def sums(self, shares: Shares) -> Sums:
        """Add a selection up."""
        worth = new = social = 0
        got: dict[str, int] = defaultdict(int)
        for place, share in shares.items():
            one = self.instance.candidates[place]
            worth += self.worths[place] * share
            got[one.unit] += 1
            if not one.carry_over:
                new += one.at(share)
                social += one.at(share) if one.social else 0
        missing = {unit: wanted - got[unit] for unit, wanted in self.instance.floors.items() if got[unit] < wanted}
        return Sums(Fraction(worth, FULL), new, social, missing)

    def shortfall(self, *, new: int, social: int) -> Fraction:
        """Return how many fen more should go to social organisations (AH-19)."""
        return max(Fraction(0), self.ratio * new - social) if self.ratio is not None else Fraction(0)

    def objective(self, shares: Shares) -> Fraction:
        """Return what a selection is worth, less what it misses of floors and of the social share."""
        sums = self.sums(shares)
        short = self.shortfall(new=sums.new, social=sums.social)
        return sums.worth - self.floor_cost * sum(sums.missing.values()) - self.social_cost * short


def exceeded(*, instance: Instance, shares: Shares) -> dict[int, int]:
    """Return place of a broken limit → how many fen it is over."""
    return Room(instance.limits, shares).short


@dataclass(frozen=True)
class Floor:
    """How many projects a unit should have in the batch and has."""

    unit: str
    wanted: int
    got: int


@dataclass(frozen=True)
class Line:
    """A project in a plan: its share in ten-thousandths and what it gets, channel → fen."""

    project: str
    share: int
    money: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """One scenario solved. ``objective`` (rounded down) and ``bound`` (up) in people × hundredths × thousandths, with
    the ``gap`` between them as decimal text. ``money`` is channel → fen; ``social`` money, what it is a share of
    (``new``) and what it is short of are fen."""

    scenario: str
    terms: tuple[str, ...]
    lines: tuple[Line, ...]
    objective: int
    bound: int
    gap: str
    people: int
    money: Mapping[str, int]
    floors: tuple[Floor, ...]
    social: int
    new: int
    social_short: int


def compose(*, score: Score, shares: Shares, bound: Fraction) -> Plan:
    """Word a selection as a plan, every figure added up again."""
    instance = score.instance
    sums, objective = score.sums(shares), score.objective(shares)
    bound = max(bound, objective)
    gap = (bound - objective) / (abs(objective) or Fraction(1))
    lines = tuple(_line(instance.candidates[place], shares[place]) for place in sorted(shares))
    money: dict[str, int] = defaultdict(int)
    for line in lines:
        for code, fen in line.money.items():
            money[code] += fen
    return Plan(
        scenario=score.aim.code,
        terms=score.aim.terms,
        lines=lines,
        objective=objective.numerator // objective.denominator,
        bound=ceil(bound),
        gap=str((Decimal(ceil(gap * 10**6)) / 10**6).quantize(Decimal("0.000001"))),
        people=sum(instance.candidates[place].people * share for place, share in shares.items()) // FULL,
        money=dict(sorted(money.items())),
        floors=tuple(
            Floor(unit, wanted, wanted - sums.missing.get(unit, 0)) for unit, wanted in instance.floors.items()
        ),
        social=sums.social,
        new=sums.new,
        social_short=ceil(score.shortfall(new=sums.new, social=sums.social)),
    )


def _line(one: Candidate, share: int) -> Line:
    money = {part.channel: part.now * share // FULL for part in one.parts}
    return Line(one.project, share, {code: fen for code, fen in money.items() if fen})
