"""The sample of newly noticed tender documents (ZY-83): whose are looked at, by a verifiable draw.

The seed is made by the system within the act that uses it (typed in rehearsal only); roster, seed and outcome stand in
a stored protocol, so that anybody may draw again.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.purchase_checks import SAMPLE_CHECK
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.purchasing import SAMPLE
from models.rules.draw import Candidate, Draw, draw, protocol_of
from models.rules.force import binding
from models.rules.purchase_gates import sample_period, sample_size
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement
from models.tables.purchasing import TenderSample

_NOTICED: Final = "procurement.noticed"


class Sampled(BaseModel):
    """Which purchases were drawn out of how many, and the digest anybody can check the draw by."""

    model_config = ConfigDict(frozen=True)

    id: str
    population: int
    drawn: tuple[str, ...]
    roster_digest: str
    document: str


@command("procurement.draw_sample", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.SYSTEM), clause="ZY-83")
def draw_sample(
    ctx: Context,
    *,
    month: Annotated[date, Field(description="抽查期间的任一日")],
    seed: Annotated[str | None, Field(min_length=1, description="抽取种子;仅演练时可填")] = None,
) -> Sampled:
    """Draw the purchases noticed in a period whose documents are checked, at the rate of policy, one at least.

    A period is drawn once, by the scheduler on the day after it ends; a dry run names nobody, so that no outcome can be
    looked at before it counts.
    Raises ``Refusal`` ``draw.seed_typed``, ``procurement.period_open`` (the period must be over),
    ``procurement.nothing_noticed``; ``Conflict`` ``procurement.sampled_already``.
    """
    if seed is not None and not ctx.services.rehearsal:
        raise Refusal("draw.seed_typed", rule="SYS-DRAW")
    policy = ctx.policy(region=ctx.services.region)
    since, until = sample_period(on=month, months=policy.procurement.sampling_months)
    if ctx.as_of <= until:
        raise Refusal("procurement.period_open", rule="SYS-PERIOD", facts={"until": until.isoformat()})
    draw_id = ctx.new_id("draw")
    with ctx.reading() as session:
        roster = _noticed(session, policy.region, since, until)
    if not roster:
        raise Refusal("procurement.nothing_noticed", rule="SYS-DRAW", facts={"since": since.isoformat()})
    rate = policy.need("procurement.tender_sampling_rate")
    size = sample_size(population=len(roster), rate=rate)
    used = seed or ctx.services.seeds.seed(draw_id=draw_id)
    drawn = draw(roster=roster, conflicts_with=frozenset(), size=size, quotas={}, seed=used, draw_id=draw_id)
    protocol = protocol_of(roster=roster, conflicts_with=frozenset(), size=size, quotas={}, drawn=drawn)
    stored = documents.keep(ctx, data=canonical_json(protocol), media_type="application/json")
    with ctx.writing() as session:
        kept = _keep(session, ctx, policy, (since, until), drawn, stored, tuple(one.id for one in roster))
        for name in kept.drawn:
            _owe_check(session, ctx, name, policy)
        work.close_item(session, ctx, kind=SAMPLE, subject_id=f"{policy.region}:{since.isoformat()}")
        return Sampled(
            id=kept.id,
            population=len(roster),
            drawn=() if ctx.dry_run else tuple(kept.drawn),
            roster_digest=kept.roster_digest,
            document=kept.document_id,
        )


def _noticed(session: Session, region: str, since: date, until: date) -> tuple[Candidate, ...]:
    """Return every purchase noticed in a period, also one that was noticed again since."""
    rows = session.exec(
        select(col(Event.payload))
        .join(Project, col(Project.id) == col(Event.stream_id))
        .where(col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.type) == _NOTICED)
        .where(col(Event.occurred_at).between(since, until), col(Project.region) == region)
    ).all()
    methods = {str(payload["procurement_id"]): str(payload.get("method") or "") for payload in rows}
    return tuple(Candidate(id_, methods[id_], "") for id_ in sorted(methods))


def _keep(
    session: Session,
    ctx: Context,
    policy: Policy,
    period: tuple[date, date],
    drawn: Draw,
    stored: StoredObject,
    roster: tuple[str, ...],
) -> TenderSample:
    since, until = period
    standing = select(TenderSample.id).where(
        col(TenderSample.region) == policy.region, col(TenderSample.since) == since, col(TenderSample.until) == until
    )
    if session.exec(standing).first() is not None:
        raise Conflict("procurement.sampled_already", rule="SYS-ALREADY-DONE", facts={"since": since.isoformat()})
    document = documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="procurement",
        kind="tender_sample",
        title=sentence("procurement.paper.sample", {"since": since.isoformat()}),
        issuer=policy.region_name,
    )
    kept = TenderSample(
        id=ctx.new_id("tsm"),
        region=policy.region,
        since=since,
        until=until,
        rate=str(policy.procurement.tender_sampling_rate),
        roster_digest=drawn.roster_digest,
        seed=drawn.seed,
        seed_commitment=drawn.seed_commitment,
        roster=list(roster),
        drawn=list(drawn.chosen),
        drawn_on=ctx.as_of,
        document_id=document.id,
    )
    session.add(kept)
    _tell(session, ctx, policy, kept)
    return kept


def _tell(session: Session, ctx: Context, policy: Policy, kept: TenderSample) -> None:
    events.append(
        session,
        ctx,
        stream_kind="tender_sample",
        stream_id=policy.region,
        type="procurement.sample_drawn",
        payload={
            "sample": kept.id,
            "population": len(kept.roster),
            "drawn": kept.drawn,
            "roster_digest": kept.roster_digest,
            "seed": kept.seed,
            "seed_commitment": kept.seed_commitment,
            "rule": binding(policy=policy, rules=("ZY-83", "SYS-DRAW")),
        },
    )


def _owe_check(session: Session, ctx: Context, procurement: str, policy: Policy) -> None:
    row = session.get_one(Procurement, procurement)
    days = policy.procurement.rectification_working_days
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    work.open_item(
        session,
        ctx,
        kind=SAMPLE_CHECK,
        role=Role.CITY_BUREAU,
        subject_kind="procurement",
        subject_id=row.id,
        due_on=due.date,
        clause=policy.clause("procurement.tender_sampling_rate"),
        resolves_with="procurement.supervise",
        project_id=row.project_id,
        provisional=due.provisional,
    )
