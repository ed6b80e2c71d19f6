"""Rules of the expert review (S05): the roster, who must step aside, scoring, the tally, closing a round.

Pure; called by ``commands.review``, ``commands.roster`` and the review's read models. The draw itself stands in
``rules.draw``. Never reads the database or the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.rules.draw import Candidate, Draw, conflict_of, draw, protocol_of
from models.rules.force import binding
from models.rules.lifecycle import Thing, not_in_state

REVIEWED: Final = "reviewed"
UNDER_REVIEW: Final = "under_review"
CENT: Final = Decimal("0.01")
_MONTHS_A_YEAR: Final = 12
_FORM: Final = (
    "review.dimensions",
    "review.dimension_weights",
    "review.score_max",
    "review.pass_mark",
    "review.quorum",
    "review.panel_category_min",
    "review.trim_each_side",
    "review.outlier_points",
)
_KINSHIP: Final = "kinship"  # the one tie that no number of years ends (policy ``review.recusal_ties``)


@dataclass(frozen=True)
class Tie:
    """A declared tie: to which organisation, of which kind, and when it ended (``None``: it lasts)."""

    organisation: str
    kind: str
    ended_on: date | None


@dataclass(frozen=True)
class Tally:
    """The outcome of a round: totals in the order of the sheets, their mean, both as printed (2 decimals).

    ``passed`` is judged on the exact mean, never on the rounded one.
    """

    totals: tuple[Decimal, ...]
    mean: Decimal
    passed: bool


@dataclass(frozen=True)
class Substitute:
    """Who takes an empty seat: the next alternate, or by a draw of its own (``drawn`` and its ``protocol``)."""

    expert_id: str
    drawn: Draw | None = None
    protocol: Mapping[str, Any] | None = None


def check_expert(*, category: str, ties: tuple[Tie, ...], policy: Policy) -> None:
    """Refuse a roster entry of a category or a tie of a kind that policy does not list.

    Raises ``Refusal`` ``review.unknown_category`` (ZY-20) or ``review.unknown_tie``.
    """
    categories, kinds = policy.review.panel_categories, policy.review.recusal_ties
    if category not in categories:
        raise Refusal(
            "review.unknown_category",
            rule=binding(policy=policy, rules=("ZY-20", "SYS-CODE-LIST")),
            facts={"category": category, "known": "、".join(categories)},
        )
    unknown = [tie.kind for tie in ties if tie.kind not in kinds]
    if unknown:
        raise Refusal("review.unknown_tie", rule="SYS-CODE-LIST", facts={"kind": unknown[0], "known": "、".join(kinds)})


def standing_ties(*, ties: tuple[Tie, ...], on: date, policy: Policy) -> frozenset[str]:
    """Return the organisations whose tie still keeps an expert out: lasting, recent, or kinship."""
    since = add_months(on, months=-policy.review.recusal_years * _MONTHS_A_YEAR)
    return frozenset(
        tie.organisation for tie in ties if tie.kind == _KINSHIP or tie.ended_on is None or tie.ended_on >= since
    )


def standing_roles(*, past_roles: tuple[tuple[str, date | None], ...], on: date, policy: Policy) -> frozenset[str]:
    """Return the organisations where a past role (organisation, day it ended) is too recent; an unknown day counts."""
    since = add_months(on, months=-policy.review.recusal_years * _MONTHS_A_YEAR)
    return frozenset(organisation for organisation, ended_on in past_roles if ended_on is None or ended_on >= since)


def check_opening(*, closes_on: date | None, opened_on: date) -> None:
    """Refuse a round that would close before it opens (``review.closes_too_early``)."""
    if closes_on is not None and closes_on < opened_on:
        facts = {"closes_on": closes_on.isoformat(), "opened_on": opened_on.isoformat()}
        raise Refusal("review.closes_too_early", rule="SYS-REVIEW-PERIOD", facts=facts)


def check_again(*, command: str, state: str, upheld: bool, unsigned: bool = False) -> None:
    """Refuse a second review of a reviewed project unless an objection to the published result was upheld, and of one
    under review unless its final opinion is ``unsigned`` for good: too many members refused (ZY-23).

    Raises ``Refusal`` ``lifecycle.not_in_state`` (SYS-STATE).
    """
    if (state == REVIEWED and not upheld) or (state == UNDER_REVIEW and not unsigned):
        raise not_in_state(thing=Thing.PROJECT, command=command, state=state, allowed=("candidate",))


def panel_size(*, policy: Policy) -> int:
    """Return how many sit on a panel. Raises ``Refusal`` ``review.panel_even`` where policy wants an odd number and
    gives an even one: a pack a city changed by itself may never have seen the lint.
    """
    size = policy.review.panel_size
    if policy.review.panel_odd and size % 2 == 0:
        raise Refusal("review.panel_even", rule="SYS-POLICY", facts={"size": size})
    return size


def quotas(*, policy: Policy) -> dict[str, int]:
    """Return how many members of each category a panel needs at least."""
    return dict.fromkeys(policy.review.panel_categories, policy.review.panel_category_min)


def choose_substitute(
    *,
    leaving: str,
    staying: tuple[str, ...],
    alternates: tuple[Candidate, ...],
    latecomers: tuple[Candidate, ...],
    conflicts_with: frozenset[str],
    seed: str,
    policy: Policy,
    draw_id: str = "",
) -> Substitute | None:
    """Return who takes the seat of an expert of category ``leaving``; ``staying`` are the categories of the others.

    First the alternates in the order drawn, then those who joined the roster since, by the draw ``draw_id`` with
    ``seed``, whose protocol comes along. Who is in conflict is passed over, and while the category lacks its minimum
    (ZY-20) only its own members count. ``None`` when nobody is left: the seat stays empty until the roster grows.
    """
    short = Counter(staying)[leaving] < policy.review.panel_category_min
    for one in alternates:
        if (one.category == leaving or not short) and conflict_of(candidate=one, conflicts_with=conflicts_with) is None:
            return Substitute(one.id)
    wanted = {leaving: 1} if short else {}
    try:
        drawn = draw(
            roster=latecomers, conflicts_with=conflicts_with, size=1, quotas=wanted, seed=seed, draw_id=draw_id
        )
    except Refusal:
        return None
    protocol = protocol_of(roster=latecomers, conflicts_with=conflicts_with, size=1, quotas=wanted, drawn=drawn)
    return Substitute(drawn.chosen[0], drawn, protocol)


def check_may_score(*, recused: bool, closed: bool, due_on: date, as_of: date) -> None:
    """Refuse a sheet from an expert who left the seat, or after the close.

    Raises ``Refusal`` ``review.seat_left`` or ``review.score_after_close``.
    """
    if recused:
        raise Refusal("review.seat_left", rule="SYS-RECUSAL")
    if closed or as_of > due_on:
        raise Refusal("review.score_after_close", rule="SYS-REVIEW-CLOSED", facts={"due_on": due_on.isoformat()})


def check_founded(*, overdue: bool, tied: bool, request: bool, due_on: date) -> None:
    """Refuse the office to unseat an expert who neither let the last day pass without a sheet, nor has a recorded tie
    with the project's parties, nor asked for it in writing (``review.recusal_unfounded``).
    """
    if not (overdue or tied or request):
        raise Refusal("review.recusal_unfounded", rule="SYS-RECUSAL", facts={"due_on": due_on.isoformat()})


def check_sheet(*, scores: Mapping[str, Decimal], reasons: Mapping[str, str], policy: Policy) -> None:
    """Refuse a sheet that does not score every dimension within the scale, with a reason each; lists every fault.

    Raises ``Refusal`` ``review.sheet_invalid`` (ZY-22).
    """
    names, top = policy.review.dimensions, policy.review.score_max
    rule = binding(policy=policy, rules=("ZY-22", "SYS-REVIEW-SHEET"))
    faults = [
        Detail(
            problem=sentence("review.unknown_dimension"), field=f"{part}.{code}", expected="、".join(names), rule=rule
        )
        for part, given in (("scores", scores), ("reasons", reasons))
        for code in given
        if code not in names
    ]
    for code, name in names.items():
        score = scores.get(code)
        if score is None:
            faults.append(Detail(problem=sentence("review.score_missing", {"dimension": name}), field=f"scores.{code}"))
        elif not 0 <= score <= top:
            problem = sentence("review.score_off_scale", {"dimension": name, "top": top})
            faults.append(Detail(problem=problem, field=f"scores.{code}", expected=f"0–{top}", rule=rule))
        if not reasons.get(code, "").strip():
            faults.append(
                Detail(problem=sentence("review.reason_missing", {"dimension": name}), field=f"reasons.{code}")
            )
    if faults:
        problems = "；".join(fault.problem for fault in faults)
        raise Refusal("review.sheet_invalid", rule=rule, facts={"problems": problems}, details=tuple(faults))


def form_of(*, policy: Policy) -> dict[str, Any]:
    """Return the score sheet a round is judged by, as data: what is scored, how it weighs, what passes, the quorum."""
    leaves = (key.removeprefix("review.") for key in _FORM)
    return {leaf: _as_data(getattr(policy.review, leaf)) for leaf in leaves}


def _as_data(value: object) -> object:
    if isinstance(value, Mapping):
        return {code: _as_data(one) for code, one in value.items()}
    return str(value) if isinstance(value, Decimal) else value


def check_form(*, form: Mapping[str, Any], policy: Policy) -> None:
    """Refuse to go on when a value a running round was opened with reads otherwise now (``review.policy_moved``).

    A rule changed from a later day moves nothing here; only history that was rewritten does.
    """
    now = form_of(policy=policy)
    moved = [leaf for leaf, value in form.items() if now.get(leaf) != value]
    if moved:
        raise Refusal("review.policy_moved", rule="SYS-POLICY-PIN", facts={"leaf": f"review.{moved[0]}"})


def check_needs(*, needs: tuple[str, ...], policy: Policy) -> None:
    """Refuse to review a project linked to no needs: the panel starts from what recipients need (ZY-21).

    Raises ``Refusal`` ``review.needs_not_linked``; where ZY-21 does not bind, nothing is asked.
    """
    rule = binding(policy=policy, rules=("ZY-21",))
    if rule is not None and not any(need.strip() for need in needs):
        raise Refusal("review.needs_not_linked", rule=rule)


def check_complete(
    *,
    empty_seats: int,
    missing_sheets: int,
    policy: Policy,
    scored: tuple[str, ...] = (),
    awaited: bool = True,
) -> None:
    """Refuse to close a round with an empty seat (ZY-20) or a seat whose sheet is missing (ZY-23).

    ``scored`` are the categories of the valid sheets. Once nobody is ``awaited`` any more (every last day has passed) a
    quorum of sheets that covers every category suffices; who is missing then stands in the opinion. Raises ``Refusal``
    ``review.panel_incomplete``, ``review.sheets_missing`` or ``review.category_missing``.
    """
    if not awaited and len(scored) >= policy.review.quorum:
        _check_covered(scored=scored, policy=policy)
        return
    if empty_seats:
        rule = binding(policy=policy, rules=("ZY-20", "SYS-PANEL"))
        raise Refusal("review.panel_incomplete", rule=rule, facts={"count": empty_seats})
    if missing_sheets:
        rule = binding(policy=policy, rules=("ZY-23", "SYS-QUORUM"))
        raise Refusal("review.sheets_missing", rule=rule, facts={"count": missing_sheets})


def _check_covered(*, scored: tuple[str, ...], policy: Policy) -> None:
    counts, categories = Counter(scored), policy.review.panel_categories
    lacking = [name for code, name in categories.items() if counts[code] < policy.review.panel_category_min]
    if lacking:
        rule = binding(policy=policy, rules=("ZY-20", "SYS-PANEL"))
        raise Refusal("review.category_missing", rule=rule, facts={"categories": "、".join(lacking)})


def check_opinion(*, opinion: str, generated_allowed: bool, policy: Policy) -> None:
    """Refuse a close by a person without a final opinion (ZY-23); the scheduler's is worded from the tally.

    Raises ``Refusal`` ``review.opinion_missing``.
    """
    if not opinion.strip() and not generated_allowed:
        raise Refusal("review.opinion_missing", rule=binding(policy=policy, rules=("ZY-23", "SYS-REVIEW-OPINION")))


def tally(*, sheets: tuple[Mapping[str, Decimal], ...], policy: Policy) -> Tally:
    """Return the weighted total of each sheet and their mean on the scale 0..score_max; passed when mean ≥ pass mark.

    Raises ``ValueError`` for no sheet.
    """
    if not sheets:
        raise ValueError("a round without a sheet has no result")
    exact = [total_of(scores=sheet, weights=policy.review.dimension_weights) for sheet in sheets]
    mean = sum(exact, Fraction(0)) / len(exact)
    passed = mean >= Fraction(policy.review.pass_mark)
    printed = rounded(mean)
    if not passed and printed >= policy.review.pass_mark:
        printed = rounded(mean, ROUND_DOWN)  # 59.996 must not read 60.00 beside "not passed"
    return Tally(tuple(rounded(total) for total in exact), printed, passed)


def total_of(*, scores: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> Fraction:
    """Return the exact weighted total of one sheet on the scale 0..score_max."""
    weighted = sum((scores[code] * weight for code, weight in weights.items()), Decimal(0))
    return Fraction(weighted) / Fraction(sum(weights.values(), Decimal(0)))


def rounded(value: Fraction, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Return a score as printed: two decimals."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(CENT, rounding=rounding)
