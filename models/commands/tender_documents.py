"""Commands on tender documents (S10): prepare them against the unified template, amend them while bids are open.

Deviations from the template are computed and listed with their reasons (ZY-81); conditions must serve the service
(BJ-23), price alone decides nothing (BJ-32). The printed documents stand in the archive of the project.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, purchase_clocks
from models.commands.ledger import locked
from models.commands.procurement import RUNNERS, file_stored, note, policy_of
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.purchasing import current_list, documents_of
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules import tender_documents as rules
from models.rules.lifecycle import Thing
from models.tables.procurement import Procurement
from models.tables.purchasing import TenderDocuments

_Text = Annotated[str, Field(min_length=1, max_length=4000)]
_Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Condition(BaseModel):
    """A condition on bidders beyond the general ones, and what it serves in the service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=400, description="资质或者条件")]
    serves: Annotated[str, Field(max_length=400, description="与服务的关系")] = ""


class Weighed(BaseModel):
    """One criterion of the evaluation; ``price`` when it is the price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80, description="评审因素")]
    weight: Annotated[Decimal, Field(gt=0, max_digits=7, decimal_places=2, description="分值")]
    price: Annotated[bool, Field(description="是否价格")] = False


class Prepared(BaseModel):
    """The documents: their version, what departs from the template, and the printed paper."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    deviations: dict[str, str]
    document: str


class Amended(BaseModel):
    """The purchase after an amendment: the deadline that holds now."""

    model_config = ConfigDict(frozen=True)

    id: str
    bids_close_on: date


@command("procurement.prepare_documents", roles=RUNNERS, clause="ZY-81")
def prepare_documents(
    ctx: Context,
    *,
    procurement: str,
    sections: Annotated[dict[_Code, _Text], Field(min_length=1, description="章节代码→内容;不填的章节取示范文本")],
    criteria: Annotated[dict[_Code, Weighed], Field(min_length=1, description="评审因素")],
    qualifications: Annotated[dict[_Code, Condition] | None, Field(description="其他资质条件")] = None,
    deviations: Annotated[dict[_Code, _Text] | None, Field(description="偏离示范文本的章节→理由")] = None,
    leave_out: Annotated[tuple[_Code, ...], Field(max_length=100, description="不采用的示范文本章节")] = (),
    consultation: Annotated[str | None, Field(max_length=2000, description="就采购需求征求社会公众意见的情况")] = None,
) -> Prepared:
    """Prepare the tender documents, or their next version while nothing is noticed; print them with their deviations.

    Sections of the unified template that are neither given nor left out are taken over as they stand.
    Raises ``Refusal`` ``procurement.template_missing``, ``procurement.deviation_unlisted`` (ZY-81),
    ``procurement.unrelated`` (BJ-23), ``procurement.price_only`` (BJ-32), ``SYS-STATE``.
    """
    asked = qualifications or {}
    reasons = dict(deviations or {})
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        _check_open(ctx, row)
        policy = policy_of(session, ctx, row)
        template = current_list(session, region=policy.region, kind="template", year=ctx.as_of.year)
        text = {str(item["code"]): str(item["text"]) for item in template.items} if template else {}
        sections = {code: words for code, words in text.items() if words and code not in leave_out} | sections
        away = rules.deviations(
            sections=sections, template=text or dict.fromkeys(policy.procurement.tender_template, "")
        )
        _check(policy, away, reasons, template is not None, asked, criteria)
        title = sentence("procurement.paper.documents", {"project": project_of(session, row.project_id).name})
        view = _view(ctx, title, row.purchaser, sections, away, reasons, criteria)
    paper = documents.render(ctx, kind="tender_documents_html", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        _check_open(ctx, row)
        filed = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=row.project_id,
            stage="procurement",
            title=title,
            issuer=row.purchaser,
        )
        kept = _keep(session, ctx, row, sections, {code: reasons.get(code, "") for code in away}, asked, criteria)
        kept.template_id, kept.document_id = template.id if template else None, filed.id
        kept.consultation = (consultation or "").strip() or None
        session.add(kept)
        payload = {"documents": kept.id, "version": kept.version, "deviations": sorted(away)}
        note(session, ctx, row, "procurement.documents_prepared", payload)
        return Prepared(id=kept.id, version=kept.version, deviations=away, document=filed.id)


def _check_open(ctx: Context, row: Procurement) -> None:
    allowed = ("planned", "failed", "method_changed")
    lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=allowed)


def _check(
    policy: Policy,
    away: dict[str, str],
    reasons: dict[str, str],
    has_template: bool,
    asked: dict[str, Condition],
    criteria: dict[str, Weighed],
) -> None:
    rules.check_deviations(found=away, reasons=reasons, has_template=has_template, policy=policy)
    conditions = {code: rules.Qualification(one.text, one.serves) for code, one in asked.items()}
    rules.check_qualifications(qualifications=conditions, policy=policy)
    weighed = {code: rules.Criterion(one.name, one.weight, one.price) for code, one in criteria.items()}
    rules.check_criteria(criteria=weighed, policy=policy)


def _keep(
    session: Session,
    ctx: Context,
    row: Procurement,
    sections: dict[str, str],
    deviations: dict[str, str],
    asked: dict[str, Condition],
    criteria: dict[str, Weighed],
) -> TenderDocuments:
    last = documents_of(session, row.id)
    return TenderDocuments(
        id=ctx.new_id("tdc", row.id),
        procurement_id=row.id,
        version=last.version + 1 if last else 1,
        prepared_on=ctx.as_of,
        sections=sections,
        deviations=deviations,
        qualifications={code: one.model_dump(mode="json") for code, one in asked.items()},
        criteria={code: one.model_dump(mode="json") for code, one in criteria.items()},
        document_id="",
    )


def _view(
    ctx: Context,
    title: str,
    issuer: str,
    sections: dict[str, str],
    away: dict[str, str],
    reasons: dict[str, str],
    criteria: dict[str, Weighed],
) -> dict[str, Any]:
    weights = "；".join(f"{one.name} {one.weight}" for one in criteria.values())
    listed = [
        [code, sections.get(code, ""), sentence(f"procurement.deviation.{away[code]}"), reasons.get(code, "")]
        if code in away
        else [code, text, "", ""]
        for code, text in {**dict.fromkeys(away, ""), **sections}.items()
    ]
    return notice_view(
        ctx,
        title=title,
        issuer=issuer,
        facts=(("criteria", weights), ("deviations", "、".join(away))),
        columns=("code", "text", "deviation", "reason"),
        rows=listed,
    )


@command("procurement.amend_documents", roles=RUNNERS, clause="LAW-ZFCGTL-31")
def amend_documents(
    ctx: Context,
    *,
    procurement: str,
    changes: Annotated[str, Field(min_length=2, max_length=2000, description="澄清或者修改的内容")],
    bids_close_on: Annotated[date | None, Field(description="顺延后的截止日期;不填为不变")] = None,
) -> Amended:
    """Clarify or change the documents while bids are open; the deadline moves where less than the days of law remain.

    Raises ``Refusal`` ``procurement.amended_late`` (LAW-ZFCGTL-31), ``SYS-STATE``.
    """
    stored = documents.keep(ctx, data=changes.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("noticed",))
        closes_on = max(bids_close_on or row.bids_close_on or ctx.as_of, row.bids_close_on or ctx.as_of)
        policy = policy_of(session, ctx, row)
        rules.check_amendment(on=ctx.as_of, closes_on=closes_on, policy=policy)
        row.bids_close_on = closes_on
        session.add(row)
        purchase_clocks.owe_closing(session, ctx, row, policy)
        filed = file_stored(
            session, ctx, row, stored, kind="tender_amendment", title=sentence("procurement.paper.amendment")
        )
        payload = {"document_id": filed.id, "sha256": filed.sha256, "bids_close_on": closes_on.isoformat()}
        note(session, ctx, row, "procurement.documents_amended", payload)
        return Amended(id=row.id, bids_close_on=closes_on)
