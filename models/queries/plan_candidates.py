"""What the quarterly programme is made of, read as of a day (S09): candidates with their facts, and the purses.

Called by ``commands.plan_proposal`` and by the backtest, which reads a past day: what came later is left out, and so is
what the lines of the batch itself moved. Reads whole tables at once, never project by project.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Subquery, func
from sqlmodel import Session, col, or_, select

from models.core.identifiers import OrganisationType, parse_credit_code
from models.core.periods import Quarter
from models.policy.resolver import PolicyBook
from models.queries.ledger import use_of
from models.queries.units import root_unit, units_on
from models.rules.funding import Account
from models.rules.ledger import Earmark, fits
from models.rules.lifecycle import TRANSITIONS, Thing
from models.rules.plan_candidates import Facts, Purpose
from models.rules.plan_programme import Purse
from models.rules.units import Unit
from models.tables.acceptance import AcceptanceConclusion
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.funding import Fund, PlanLine, Posting
from models.tables.kernel import Event, Project
from models.tables.library import Placement
from models.tables.needs import SelectionRound
from models.tables.procurement import Procurement
from models.tables.review import ReviewRound

PLANNABLE = ("approved", "planned", "in_progress")
_MOVES = tuple(sorted({move.event for move in TRANSITIONS if move.thing is Thing.PROJECT}))
_SOCIAL = (OrganisationType.ASSOCIATION, OrganisationType.PRIVATE_NON_PROFIT, OrganisationType.FOUNDATION)
_COUNTY = "county"


@dataclass(frozen=True)
class Basis:
    """The batch a programme is made for: region, quarter, the day looked from, its number and its own lines."""

    region: str
    quarter: Quarter
    on: date
    batch: int = 1
    own_lines: Collection[str] = ()


def facts_of(session: Session, *, policies: PolicyBook, basis: Basis) -> tuple[tuple[Facts, ...], tuple[Purse, ...]]:
    """Return what the records say of every project that may be planned, and the money that is no project's yet."""
    projects = _plannable(session, basis)
    units = _units(session, policies, basis)
    purses, funds = _purses(session, basis)
    own, begun = _own(session, basis), _begun(session, basis)
    asked, given = _asked(session, basis), _given(session, basis)
    applications = _applications(session, basis)
    people, scores = _people(session, basis), _scores(session, basis)
    conclusions, social = _conclusions(session, basis), _social(session)
    by_unit = {units.get(project, basis.region): conclusion for project, conclusion in conclusions.items()}
    found = []
    for row in projects:
        unit, application = units.get(row.id, basis.region), applications.get(row.id)
        earlier = (row.id, row.predecessor_id or "")
        conclusion = next((conclusions[one] for one in earlier if one in conclusions), by_unit.get(unit))
        found.append(
            Facts(
                project=row.id,
                unit=unit,
                people=people.get(row.id),
                score=scores.get(row.id),
                grade=conclusion.grade if conclusion else None,
                cites=conclusion.id if conclusion else "",
                ends_on=application.ends_on if application else None,
                carry_over=row.id in begun,
                social=row.id in social or _is_social(application),
                money=_money(
                    row, own=own[row.id], asked=asked[row.id], given=given[row.id], purses=purses, funds=funds
                ),
            )
        )
    return tuple(one for one in found if one.money), purses


def unit_conclusions(session: Session, *, policies: PolicyBook, basis: Basis) -> dict[str, AcceptanceConclusion]:
    """Return county → the last acceptance conclusion of a project that stands in it (ZY-98)."""
    units = _units(session, policies, basis)
    conclusions = _conclusions(session, basis)
    return {units.get(project, basis.region): conclusion for project, conclusion in conclusions.items()}


def _plannable(session: Session, basis: Basis) -> list[Project]:
    rows = session.exec(select(Project).where(col(Project.region) == basis.region).order_by(col(Project.id))).all()
    last: dict[str, str] = {}
    moves = session.exec(
        select(Event.stream_id, Event.payload)
        .where(col(Event.type).in_(_MOVES), col(Event.occurred_at) <= basis.on)
        .order_by(col(Event.stream_id), col(Event.seq))
    )
    for project, payload in moves:
        last[project] = payload.get("to", "")
    return [row for row in rows if row.entered_on <= basis.on and last.get(row.id, row.state) in PLANNABLE]


def _units(session: Session, policies: PolicyBook, basis: Basis) -> dict[str, str]:
    """Return project → the county it stands in, or the unit itself where none is above it."""
    tree = units_on(session, root=root_unit(policies=policies, region=basis.region), on=basis.on)
    rows = session.exec(
        select(Placement.project_id, Placement.unit_code).where(
            col(Placement.from_on) <= basis.on,
            or_(col(Placement.until_on).is_(None), col(Placement.until_on) > basis.on),
        )
    )
    return {project: _county(unit, tree) for project, unit in rows}


def _county(code: str, tree: Mapping[str, Unit]) -> str:
    unit = tree.get(code)
    while unit is not None and unit.level != _COUNTY:
        unit = tree.get(unit.parent or "")
    return unit.code if unit else code


def _own(session: Session, basis: Basis) -> dict[str, dict[str, int]]:
    """Return project → channel → fen of its own budget that no line holds."""
    total = func.sum(Posting.amount_fen)
    statement = (
        select(Posting.project_id, Posting.channel, total)
        .where(
            col(Posting.account) == Account.REMAINING,
            col(Posting.year) == basis.quarter.year,
            col(Posting.occurred_on) <= basis.on,
            col(Posting.fund_id).is_(None),
            or_(col(Posting.plan_line_id).is_(None), col(Posting.plan_line_id).not_in(basis.own_lines)),
        )
        .group_by(col(Posting.project_id), col(Posting.channel))
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for project, channel, fen in session.exec(statement):
        if project is not None and fen > 0:
            found[project][channel] = int(fen)
    return found


def _purses(session: Session, basis: Basis) -> tuple[tuple[Purse, ...], tuple[Fund, ...]]:
    total = func.sum(Posting.amount_fen)
    statement = (
        select(Posting.fund_id, Posting.channel, total)
        .where(
            col(Posting.account) == Account.ALLOTTED,
            col(Posting.year) == basis.quarter.year,
            col(Posting.occurred_on) <= basis.on,
            col(Posting.fund_id).is_not(None),
            or_(col(Posting.plan_line_id).is_(None), col(Posting.plan_line_id).not_in(basis.own_lines)),
        )
        .group_by(col(Posting.fund_id), col(Posting.channel))
        .order_by(col(Posting.fund_id), col(Posting.channel))
    )
    standing = select(Fund).where(or_(col(Fund.withdrawn_on).is_(None), col(Fund.withdrawn_on) > basis.on))
    funds = {fund.id: fund for fund in session.exec(standing.order_by(col(Fund.id)))}
    purses = tuple(
        Purse(fund, channel, int(fen)) for fund, channel, fen in session.exec(statement) if fund in funds and fen > 0
    )
    return purses, tuple(funds.values())


def _begun(session: Session, basis: Basis) -> set[str]:
    """Return the projects money was issued for in an earlier batch: they are carried on first."""
    statement = (
        select(Posting.project_id)
        .where(
            col(Posting.account) == Account.PLANNED,
            col(Posting.occurred_on) <= basis.on,
            col(Posting.amount_fen) > 0,
            col(Posting.plan_line_id).is_not(None),
            col(Posting.plan_line_id).not_in(basis.own_lines),
        )
        .distinct()
    )
    return {project for project in session.exec(statement) if project is not None}


def _asked(session: Session, basis: Basis) -> dict[str, dict[str, int]]:
    """Return project → channel → fen applied for and not planned yet."""
    newest = _newest(basis)
    statement = (
        select(Application.project_id, ApplicationBudgetLine.channel, func.sum(ApplicationBudgetLine.amount_fen))
        .join(Application, col(ApplicationBudgetLine.application_id) == col(Application.id))
        .join(
            newest, (col(Application.project_id) == newest.c.project_id) & (Application.revision == newest.c.revision)
        )
        .group_by(col(Application.project_id), col(ApplicationBudgetLine.channel))
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for project, channel, fen in session.exec(statement):
        found[project][channel] = int(fen)
    held = select(PlanLine.project_id, PlanLine.channel, func.sum(PlanLine.amount_fen)).where(
        col(PlanLine.cancelled_on).is_(None), col(PlanLine.id).not_in(basis.own_lines)
    )
    past = col(PlanLine.quarter) <= str(basis.quarter)
    for project, channel, fen in session.exec(
        held.where(past).group_by(col(PlanLine.project_id), col(PlanLine.channel))
    ):
        if channel in found[project]:
            found[project][channel] = max(found[project][channel] - int(fen), 0)
    return found


def _given(session: Session, basis: Basis) -> dict[str, dict[str, int]]:
    """Return project → channel → fen that earlier batches of the quarter planned for it: a phase is given once."""
    statement = (
        select(PlanLine.project_id, PlanLine.channel, func.sum(PlanLine.amount_fen))
        .where(
            col(PlanLine.cancelled_on).is_(None),
            col(PlanLine.quarter) == str(basis.quarter),
            col(PlanLine.batch) < basis.batch,
        )
        .group_by(col(PlanLine.project_id), col(PlanLine.channel))
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for project, channel, fen in session.exec(statement):
        found[project][channel] = int(fen)
    return found


def _newest(basis: Basis) -> Subquery:
    return (
        select(Application.project_id, func.max(Application.revision).label("revision"))
        .where(col(Application.submitted_on) <= basis.on)
        .group_by(col(Application.project_id))
        .subquery()
    )


def _applications(session: Session, basis: Basis) -> dict[str, Application]:
    rows = session.exec(
        select(Application)
        .where(col(Application.submitted_on) <= basis.on)
        .order_by(col(Application.project_id), col(Application.revision))
    )
    return {row.project_id: row for row in rows}


def _people(session: Session, basis: Basis) -> dict[str, int]:
    rows = session.exec(select(SelectionRound).where(col(SelectionRound.selected_on) <= basis.on))
    return {row.project_id: sum(row.counts.values()) for row in rows}


def _scores(session: Session, basis: Basis) -> dict[str, Decimal]:
    rows = session.exec(
        select(ReviewRound.project_id, ReviewRound.mean)
        .where(col(ReviewRound.closed_on) <= basis.on, col(ReviewRound.mean).is_not(None))
        .order_by(col(ReviewRound.project_id), col(ReviewRound.ordinal))
    )
    return {project: Decimal(mean) for project, mean in rows if mean is not None}


def _conclusions(session: Session, basis: Basis) -> dict[str, AcceptanceConclusion]:
    """Return project → its last acceptance conclusion, the oldest first."""
    rows = session.exec(
        select(AcceptanceConclusion)
        .where(col(AcceptanceConclusion.concluded_on) <= basis.on)
        .order_by(col(AcceptanceConclusion.concluded_on), col(AcceptanceConclusion.round), col(AcceptanceConclusion.id))
    ).all()
    found: dict[str, AcceptanceConclusion] = {}
    for row in rows:
        found.pop(row.project_id, None)
        found[row.project_id] = row
    return found


def _social(session: Session) -> set[str]:
    """Return the projects whose purchase is open to social organisations only."""
    rows = session.exec(select(Procurement.project_id, Procurement.contractor_types))
    return {project for project, types in rows if types == ["social_org"]}


def _is_social(application: Application | None) -> bool:
    if application is None or not application.credit_code:
        return False
    return parse_credit_code(application.credit_code).organisation_type in _SOCIAL


def _money(
    project: Project,
    *,
    own: Mapping[str, int],
    asked: Mapping[str, int],
    given: Mapping[str, int],
    purses: Iterable[Purse],
    funds: Iterable[Fund],
) -> tuple[Purpose, ...]:
    use = use_of(project)
    allowed = {fund.id for fund in funds if fits(earmark=Earmark.read(fund.earmark), use=use)}
    return tuple(
        Purpose(
            channel=channel,
            own=own.get(channel, 0),
            asked=asked.get(channel, 0),
            funds=tuple(purse.fund for purse in purses if purse.channel == channel and purse.fund in allowed),
            given=given.get(channel, 0),
        )
        for channel in sorted({*own, *asked})
        if own.get(channel, 0) or asked.get(channel, 0)
    )
