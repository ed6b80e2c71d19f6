"""Commands of matching (S01, S12): run it, print its outcomes and its gap list, record what people have in kind.

What people answer to an offer is ``commands.confirmation``. A run is never edited; the next one stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, list_papers
from models.commands.bulk import insert_rows
from models.commands.lists import STAGE, Words
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries import matching as reads
from models.queries.lists import rows_of, version_in_force
from models.queries.needs_survey import settled_survey
from models.queries.reader import found
from models.rules import matching as rules
from models.rules.lists import GOVERNMENT_PAID, RESOURCE, SERVICE
from models.tables.lists import ListVersion, ResourceRow, ServiceRow
from models.tables.matching import MatchOutcome, MatchRun, MaterialAid, ServiceGap
from models.tables.needs import Person

STREAM: Final = "matching"
_CHUNK: Final = 2_000
_MOST_PRINTED: Final = 100_000  # rows of one sheet (decision 29)


class Matched(BaseModel):
    """The run: needs and how many were matched, counts by reason, the digest of every outcome."""

    model_config = ConfigDict(frozen=True)

    id: str
    needs: int
    matched: int
    unmatched: int
    by_reason: dict[str, int]
    gaps: int
    outcome_digest: str


@command("matching.run", roles=CIVIL_AFFAIRS, clause="ZY-60")
def run(ctx: Context, *, survey: Annotated[str, Field(description="调查编号")]) -> Matched:
    """Match every need of a survey to the published lists: one outcome with its reason for each (ZY-60, FZ-31).

    Raises ``Refusal`` ``lists.not_published`` (SYS-LIST-PUBLISHED), ``matching.no_needs`` (SYS-EMPTY-LEDGER);
    ``Conflict`` ``matching.unchanged`` when needs, lists and policy are those of the last run.
    """
    policy = ctx.policy(region=ctx.services.region)
    start = _start(ctx, survey, policy)
    matching = rules.match(
        needs=start.needs,
        services=reads.services_of(start.services),
        resources=start.resources,
        bans=rules.Bans.of(policy),
    )
    row = MatchRun(
        id=ctx.new_id("match_run", survey),
        region=policy.region,
        survey_id=survey,
        service_version_id=start.versions[0].id,
        resource_version_id=start.versions[1].id,
        ran_on=ctx.as_of,
        ordinal=start.before.ordinal + 1 if start.before else 1,
        needs=len(start.needs),
        counts=dict(sorted(Counter(verdict.reason.value for verdict in matching.verdicts).items())),
        input_digest=start.digest,
        outcome_digest=rules.outcome_digest(needs=start.needs, matching=matching),
        policy_digest=policy.digest,
    )
    gaps = _gaps(ctx, row, start, matching)
    with ctx.writing() as session:
        _check_still(session, before=start.before, survey=survey)
        _write(session, ctx, row, gaps, _outcomes(ctx, row.id, start.needs, matching))
    matched = sum(row.counts.get(reason, 0) for reason in rules.SERVED)
    return Matched(
        id=row.id,
        needs=row.needs,
        matched=matched,
        unmatched=row.needs - matched,
        by_reason=row.counts,
        gaps=len(gaps),
        outcome_digest=row.outcome_digest,
    )


@dataclass(frozen=True)
class _Start:
    """What a run starts from: the run before, the versions in force, their rows, the needs, the digest of it all."""

    before: MatchRun | None
    versions: tuple[ListVersion, ListVersion]
    services: list[ServiceRow]
    resources: list[rules.Resource]
    needs: list[rules.Need]
    digest: str


def _start(ctx: Context, survey: str, policy: Policy) -> _Start:
    with ctx.reading() as session:
        settled_survey(session, survey)
        before = reads.newest_run(session, survey=survey)
        listed = version_in_force(session, region=policy.region, kind=SERVICE)
        pooled = version_in_force(session, region=policy.region, kind=RESOURCE)
        services = rows_of(session, model=ServiceRow, version=listed)
        resources = reads.resources_of(rows_of(session, model=ResourceRow, version=pooled), on=ctx.as_of)
        needs = reads.needs_of(session, survey=survey, on=ctx.as_of, policy=policy)
    if not needs:
        raise Refusal("matching.no_needs", rule="SYS-EMPTY-LEDGER", facts={"survey": survey})
    lists = (policy.digest, listed.digest, pooled.digest, *(place.id for place in resources))
    given = rules.input_digest(needs=needs, lists=lists)
    if before is not None and before.input_digest == given:
        raise Conflict("matching.unchanged", rule="SYS-ALREADY-DONE", facts={"on": before.ran_on.isoformat()})
    return _Start(before, (listed, pooled), services, resources, needs, given)


def _check_still(session: Session, *, before: MatchRun | None, survey: str) -> None:
    newest = reads.newest_run(session, survey=survey)
    if (newest.id if newest else None) != (before.id if before else None):
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")


def _outcomes(
    ctx: Context, run_id: str, needs: Sequence[rules.Need], matching: rules.Matching
) -> Iterator[dict[str, Any]]:
    for index, (need, verdict) in enumerate(zip(needs, matching.verdicts, strict=True)):
        yield {
            "id": ctx.new_id("match", str(index)),
            "run_id": run_id,
            "person_id": need.person,
            "item": need.profile.item,
            "reason": verdict.reason.value,
            "service_id": verdict.service or None,
            "resource_id": verdict.resource or None,
            "rank": matching.ranks.get(index),
            "rule": verdict.rule or None,
            "covered_by": verdict.policy or None,
        }


def _gaps(ctx: Context, row: MatchRun, start: _Start, matching: rules.Matching) -> list[ServiceGap]:
    """Return the missing and weak services of a run with the number of people they concern (ZY-02)."""
    paid = {service.item for service in start.services if service.payer_class == GOVERNMENT_PAID}
    found_: dict[tuple[str, str], Counter[str]] = {}
    for need, verdict in zip(start.needs, matching.verdicts, strict=True):
        if verdict.reason in rules.MISSING or verdict.reason in rules.WEAK:
            weakness = "missing" if verdict.reason in rules.MISSING else "weak"
            found_.setdefault((need.profile.item, weakness), Counter())[verdict.reason.value] += 1
    return [
        ServiceGap(
            id=ctx.new_id("gap", item, weakness),
            run_id=row.id,
            region=row.region,
            item=item,
            weakness=weakness,
            persons=counts.total(),
            reasons=dict(sorted(counts.items())),
            purchase_need=item in paid,
            found_on=ctx.as_of,
        )
        for (item, weakness), counts in sorted(found_.items())
    ]


def _write(
    session: Session, ctx: Context, row: MatchRun, gaps: list[ServiceGap], outcomes: Iterator[dict[str, Any]]
) -> None:
    session.add(row)
    session.flush()
    while chunk := list(islice(outcomes, _CHUNK)):
        insert_rows(session, MatchOutcome, chunk)
    session.add_all(gaps)
    events.append(
        session,
        ctx,
        stream_kind=STREAM,
        stream_id=row.survey_id,
        type="matching.ran",
        payload={
            "run_id": row.id,
            "needs": row.needs,
            "counts": row.counts,
            "gaps": len(gaps),
            "services": row.service_version_id,
            "resources": row.resource_version_id,
            "input_digest": row.input_digest,
            "outcome_digest": row.outcome_digest,
            "policy_digest": row.policy_digest,
        },
    )


class SheetIssued(BaseModel):
    """The filed sheet: document, digest, how many rows."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    rows: int


@command("matching.issue_outcomes", roles=CIVIL_AFFAIRS, clause="ZY-60")
def issue_outcomes(
    ctx: Context,
    *,
    run: Annotated[str, Field(description="匹配编号")],
    matched: Annotated[bool, Field(description="打印已匹配还是未匹配的")],
    first: Annotated[int, Field(ge=0, description="起始行")] = 0,
) -> SheetIssued:
    """Print the matched or the unmatched list of a run with reasons, people masked; up to 100,000 rows a sheet.

    Raises ``Refusal`` ``matching.nothing_to_print`` (SYS-EMPTY-LEDGER).
    """
    with ctx.reading() as session:
        row = reads.run_of(session, run)
        policy = ctx.policy(region=row.region)
        providers = _providers(session, row)
        reader = ctx.reader(session)
        kept = reads.outcomes_in(reader, run=run, served=matched, limit=_MOST_PRINTED, offset=first)
    rows = [_printed(outcome, providers, matched, policy) for outcome in kept]
    title = sentence(
        "matching.title.matched" if matched else "matching.title.unmatched", {"on": row.ran_on.isoformat()}
    )
    return _issue(ctx, kind="match_ledger_xlsx", title=title, rows=rows)


def _providers(session: Session, row: MatchRun) -> dict[str, str]:
    version = found(session.get(ListVersion, row.resource_version_id), kind="list_version", id=row.resource_version_id)
    return {place.id: place.provider for place in rows_of(session, model=ResourceRow, version=version)}


def _printed(row: reads.OutcomeRow, providers: dict[str, str], matched: bool, policy: Policy) -> dict[str, Any]:
    return {
        "person_name": row.name,
        "id_number": row.id_number,
        "street": row.street,
        "item": policy.delivery.service_item_names.get(row.item, row.item),
        "result": sentence("matching.result.matched" if matched else "matching.result.unmatched"),
        "reason": row.explanation,
        "basis": row.rule,
        "provider": providers.get(row.resource, ""),
        "rank": "" if row.rank is None else str(row.rank),
        "answer": sentence(f"matching.answer.{row.answer}") if row.answer else "",
    }


@command("matching.issue_gaps", roles=CIVIL_AFFAIRS, clause="ZY-02")
def issue_gaps(ctx: Context, *, run: Annotated[str, Field(description="匹配编号")]) -> SheetIssued:
    """Print the gap list of a run (ZY-02): missing and weak services, an input to project ideas.

    Raises ``Refusal`` ``matching.nothing_to_print`` (SYS-EMPTY-LEDGER) when everything asked for is there.
    """
    with ctx.reading() as session:
        row = reads.run_of(session, run)
        gaps = reads.gaps(ctx.reader(session), run=run)
    names = ctx.policy(region=row.region).delivery.service_item_names
    rows = [
        {
            "item": names.get(gap.item, gap.item),
            "weakness": sentence(f"matching.weakness.{gap.weakness}"),
            "persons": str(gap.persons),
            "reasons": "、".join(
                f"{sentence(f'matching.gap.{reason}')}{count}" for reason, count in gap.reasons.items()
            ),
            "purchase_need": sentence("matching.yes") if gap.purchase_need else "",
        }
        for gap in gaps
    ]
    return _issue(ctx, kind="service_gap_xlsx", title=sentence("matching.title.gaps", {"on": row.ran_on}), rows=rows)


def _issue(ctx: Context, *, kind: str, title: str, rows: list[dict[str, Any]]) -> SheetIssued:
    if not rows:
        raise Refusal("matching.nothing_to_print", rule="SYS-EMPTY-LEDGER")
    view = list_papers.sheet(ctx, title=title, rows=rows, synthetic=ctx.services.rehearsal)
    paper = documents.render(ctx, kind=kind, view=view, synthetic_fields=tuple(view["synthetic_fields"]))
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=STAGE, title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        return SheetIssued(id=document.id, sha256=document.sha256, rows=len(rows))


class AidRecorded(BaseModel):
    """The recorded material aid."""

    model_config = ConfigDict(frozen=True)

    id: str


@command("matching.record_material_aid", roles=(*CIVIL_AFFAIRS, Role.TOWNSHIP), clause="ZY-07")
def record_material_aid(
    ctx: Context,
    *,
    person: Annotated[str, Field(description="对象编号")],
    item: Annotated[str, Field(description="已通过物质救助满足的服务项目")],
    basis: Annotated[Words, Field(min_length=2, description="依据")],
    valid_from: Annotated[date, Field(description="起始日")],
    valid_until: Annotated[date | None, Field(description="截止日,不填为长期")] = None,
) -> AidRecorded:
    """Record a service somebody already has through material assistance: it is not given again with government money.

    Raises ``Refusal`` ``matching.item_unknown`` (SYS-CODE-LIST), ``lists.period`` (SYS-PERIOD), ``kernel.not_found``.
    """
    policy = ctx.policy(region=ctx.services.region)
    if item not in policy.delivery.service_item_names:
        raise Refusal("matching.item_unknown", rule="SYS-CODE-LIST", facts={"item": item})
    if valid_until is not None and valid_until < valid_from:
        raise Refusal("lists.period", rule="SYS-PERIOD")
    with ctx.writing() as session:
        found(session.get(Person, person), kind="person", id=person)
        aid = MaterialAid(
            id=ctx.new_id("aid", person, item),
            person_id=person,
            item=item,
            basis=basis,
            valid_from=valid_from,
            valid_until=valid_until,
            recorded_on=ctx.as_of,
        )
        session.add(aid)
        events.append(
            session,
            ctx,
            stream_kind=STREAM,
            stream_id="material_aid",
            type="matching.material_aid_recorded",
            payload={"aid_id": aid.id, "person_id": person, "item": item},
        )
        return AidRecorded(id=aid.id)
