"""The command that overturns an acceptance conclusion (S15, S16): it counts no more, and neither does what it gave.

The overturned conclusion stays on file. Its successor, the next round, accepts nothing and has the grade that does not
pass, so that every gate which asks for the newest conclusion (last payment, next batch, choice among equals) asks this
one. A project that was not evaluated yet is concluded anew; one that was keeps its state and carries the fact.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.commands import acceptance_clock, demands, documents, effects, events, transition, work
from models.commands.conclusion import open_announcement
from models.commands.demands import Demand
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.acceptance import latest_conclusion
from models.rules import acceptance as rules
from models.rules.evaluation import lowest_grade
from models.rules.masking import check_impersonal
from models.tables.acceptance import AcceptanceConclusion
from models.tables.kernel import Project

_REOPENED = "accepted"


class Overturned(BaseModel):
    """The conclusion that now counts, the one it overturns, and where the project stands."""

    model_config = ConfigDict(frozen=True)

    id: str
    overturned: str
    state: str
    document: str


@command("acceptance.overturn", roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU), clause="SYS-OVERTURN")
def overturn(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    authority: Annotated[str, Field(min_length=2, max_length=80, description="作出撤销决定的机关")],
    number: Annotated[str, Field(min_length=2, max_length=60, description="撤销决定文号")],
    reason: Annotated[str, Field(min_length=4, max_length=400, description="撤销理由(不写个人信息)")],
    decision: Annotated[Upload, Field(description="撤销决定")],
    recover: Annotated[tuple[Demand, ...], Field(description="已付而须追回的款项")] = (),
) -> Overturned:
    """Overturn the conclusion that accepted a project; every effect of it ends today, traced to the new one.

    Money the decision claims back is due at once. Raises ``Refusal`` ``acceptance.nothing_accepted`` (SYS-OVERTURN),
    ``midterm.over_demand``, ``kernel.reason_names_person``.
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        policy = ctx.policy(region=row.region)
        before = latest_conclusion(session, project=project)
        if before is None or before.outcome != rules.Outcome.ACCEPTED:
            raise Refusal("acceptance.nothing_accepted", rule="SYS-OVERTURN")
        document = documents.file_upload(
            session,
            ctx,
            stored=decision,
            project_id=project,
            stage="acceptance",
            kind="acceptance_overturned",
            title=sentence("acceptance.document.overturned"),
            issuer=authority,
            doc_no=number,
        ).id
        made = _successor(ctx, before, document=document, policy=policy)
        session.add(made)
        session.flush()
        claimed = demands.claim(session, ctx, recover, policy=policy)
        payload = {
            "conclusion_id": made.id,
            "overturned": before.id,
            "number": number,
            "document_id": document,
            "claimed_fen": claimed.fen,
        }
        if row.state == _REOPENED:
            transition.apply(session, ctx, row, payload=payload)
            acceptance_clock.restart(session, ctx, row, kinds=(rules.COMPREHENSIVE,))
            work.close_item(session, ctx, kind=rules.EVALUATE, subject_id=project)
        else:
            events.on_project(session, ctx, project, "acceptance.overturned", payload)
        if policy.acceptance.result_announced:
            open_announcement(session, ctx, made, policy)
        effects.after_conclusion(session, ctx, made, previous=before, policy=policy)
        return Overturned(id=made.id, overturned=before.id, state=f"project.{row.state}", document=document)


def _successor(ctx: Context, before: AcceptanceConclusion, *, document: str, policy: Policy) -> AcceptanceConclusion:
    grade = lowest_grade(policy=policy)
    return AcceptanceConclusion(
        id=ctx.new_id("acc", before.project_id),
        project_id=before.project_id,
        round=before.round + 1,
        self_check_id=before.self_check_id,
        outcome=rules.Outcome.NOT_ACCEPTED,
        purchaser_scores={},
        recipient_scores={},
        party_scores={},
        total="0.00",
        grade=grade,
        pay_ratio=str(policy.evaluation.pay_ratio_by_grade[grade]),
        asked=0,
        satisfied=0,
        served=before.served,
        target=before.target,
        concluded_on=ctx.as_of,
        policy_digest=policy.digest,
        document_id=document,
    )
