"""The lists purchases rest on (S10), in versions: guiding catalogue, annual purchase plan, unified tender template.

Catalogue and plan count once finance has reviewed them (BJ-27, BJ-28); the city bureau issues the template (ZY-81).
Each version is printed for the public; earlier ones stay readable.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from models.commands import documents, events
from models.commands.ledger import Amount
from models.commands.publicity_papers import Printer
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.purchasing import current_list
from models.rules.force import binding
from models.tables.purchasing import PurchaseList

Kind = Literal["catalogue", "annual_plan", "template"]
_KEEPERS = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.FINANCE_BUREAU, Role.PURCHASER)
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_RULES = {"catalogue": "BJ-27", "annual_plan": "BJ-29"}


class ListItem(BaseModel):
    """One row of a list; ``text`` is the wording of a section of the template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$"), Field(description="代码")]
    name: Annotated[_Text, Field(description="名称")]
    category: Annotated[str, Field(max_length=60, description="类别")] = ""
    amount: Annotated[Amount | None, Field(description="预算金额")] = None
    text: Annotated[str, Field(max_length=4000, description="示范文本内容")] = ""


class ListPublished(BaseModel):
    """The new version: its id, number and document."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    document: str


@command("procurement.publish_list", roles=_KEEPERS, clause="BJ-27")
def publish_list(
    ctx: Context,
    *,
    kind: Annotated[Kind, Field(description="清单:指导性目录、年度购买计划、统一示范文本")],
    year: Annotated[int, Field(ge=2000, le=2999, description="年度")],
    items: Annotated[tuple[ListItem, ...], Field(min_length=1, max_length=2000, description="条目")],
    finance_reply: Annotated[_Text | None, Field(description="财政部门审核(批准)文号")] = None,
) -> ListPublished:
    """Publish the next version of a list. Catalogue and plan must have been reviewed by finance where Beijing binds.

    Raises ``Refusal`` ``procurement.list_unreviewed`` (BJ-27, BJ-29), ``procurement.list_twice``; ``DataFault``
    ``publicity.leak``.
    """
    policy = ctx.policy(region=ctx.services.region)
    _check(kind, items, finance_reply, policy)
    with ctx.reading() as session:
        last = current_list(session, region=policy.region, kind=kind, year=year)
        printer = Printer.of(session, ctx)
    version = last.version + 1 if last is not None and last.year == year else 1
    title = sentence(f"procurement.list.{kind}", {"region": policy.region_name, "year": year, "version": version})
    paper = printer.paper("procurement_notice_html", _view(ctx, title, kind, items, finance_reply))
    with ctx.writing() as session:
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="procurement",
            title=title,
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        row = PurchaseList(
            id=ctx.new_id("pls"),
            region=policy.region,
            kind=kind,
            year=year,
            version=version,
            published_on=ctx.as_of,
            finance_reply=finance_reply,
            items=[item.model_dump(mode="json") for item in items],
            policy_digest=policy.digest,
            document_id=document.id,
        )
        session.add(row)
        _tell(session, ctx, row, len(items))
        return ListPublished(id=row.id, version=version, document=document.id)


def _check(kind: str, items: tuple[ListItem, ...], finance_reply: str | None, policy: Policy) -> None:
    codes = [item.code for item in items]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Refusal("procurement.list_twice", rule="SYS-CODE-LIST", facts={"codes": "、".join(twice)})
    rule = binding(policy=policy, rules=(_RULES[kind],)) if kind in _RULES else None
    if rule is not None and finance_reply is None:
        raise Refusal("procurement.list_unreviewed", rule=rule)


def _tell(session: Session, ctx: Context, row: PurchaseList, items: int) -> None:
    events.append(
        session,
        ctx,
        stream_kind="purchase_list",
        stream_id=f"{row.region}:{row.kind}",
        type="procurement.list_published",
        payload={"list": row.id, "kind": row.kind, "year": row.year, "version": row.version, "items": items},
    )


def _view(
    ctx: Context, title: str, kind: str, items: tuple[ListItem, ...], finance_reply: str | None
) -> dict[str, Any]:
    columns = ("code", "name", "text") if kind == "template" else ("code", "name", "category", "amount")
    return notice_view(
        ctx,
        title=title,
        issuer=ROLE_NAMES[ctx.actor.role],
        facts=(("finance_reply", finance_reply or ""),),
        columns=columns,
        rows=[[str(getattr(item, column) or "") for column in columns] for item in items],
    )
