"""The policy list of a region (ZY-35, ZY-36): published in versions, with the bodies that were consulted on it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from models.commands import documents, events
from models.context import Context
from models.core.actors import HANDLERS, ROLE_NAMES
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.library import PolicyLine, current_list, items_of
from models.rules.library import check_consulted
from models.tables.kernel import Document
from models.tables.library import PolicyList, PolicyListItem

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ListedPolicy(BaseModel):
    """One policy to put on the list; ``code`` stays the same in every version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,32}$"), Field(description="政策代码")]
    title: Annotated[Text, Field(description="政策名称")]
    issuer: Annotated[Text, Field(description="发布单位")]
    field: Annotated[Text, Field(description="支持方向")]
    number: Annotated[Text | None, Field(description="文号")] = None


class PolicyListPublished(BaseModel):
    """The new version: its id, number, document, and the codes that are new or gone."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    document: str
    sha256: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@command("library.publish_policy_list", roles=HANDLERS, clause="ZY-36")
def publish_policy_list(
    ctx: Context,
    *,
    items: Annotated[tuple[ListedPolicy, ...], Field(min_length=1, max_length=2000, description="政策")],
    consulted: Annotated[dict[str, Text] | None, Field(description="会商单位:类别→单位名称")] = None,
) -> PolicyListPublished:
    """Publish the next version of the policy list; earlier versions stay readable.

    Raises ``Refusal`` ``library.consultation_missing`` (ZY-35), ``library.policy_twice`` (ZY-36),
    ``library.policy_list_unchanged`` (ZY-36).
    """
    policy = ctx.policy(region=ctx.services.region)
    asked = dict(consulted or {})
    check_consulted(consulted=asked, policy=policy)
    codes = _codes(items)
    lines = tuple(PolicyLine(**item.model_dump()) for item in items)
    with ctx.reading() as session:
        last = current_list(session, region=policy.region, on=ctx.as_of)
        before = items_of(session, last.id) if last else ()
    if last is not None and before == lines:
        raise Refusal("library.policy_list_unchanged", rule="ZY-36", facts={"version": last.version})
    version = last.version + 1 if last else 1
    title = sentence("library.policy_list.title", {"region": policy.region_name, "version": version})
    view = _view(ctx, title, lines)
    paper = documents.render(ctx, kind="policy_list_xlsx", view=view, zone=Zone.PUBLIC)
    old = {line.code for line in before}
    with ctx.writing() as session:
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="library",
            title=title,
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        row = _write(session, ctx, policy, version, asked, lines, document)
        return PolicyListPublished(
            id=row.id,
            version=version,
            document=document.id,
            sha256=document.sha256,
            added=tuple(code for code in codes if code not in old),
            removed=tuple(line.code for line in before if line.code not in codes),
        )


def _codes(items: tuple[ListedPolicy, ...]) -> list[str]:
    codes = [item.code for item in items]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Refusal("library.policy_twice", rule="ZY-36", facts={"codes": "、".join(twice)})
    return codes


def _write(
    session: Session,
    ctx: Context,
    policy: Policy,
    version: int,
    consulted: dict[str, str],
    lines: tuple[PolicyLine, ...],
    document: Document,
) -> PolicyList:
    """Write one version with its items and the event that says it was published."""
    row = PolicyList(
        id=ctx.new_id("pol"),
        region=policy.region,
        version=version,
        published_on=ctx.as_of,
        consulted=consulted,
        policy_digest=policy.digest,
        document_id=document.id,
    )
    session.add(row)
    session.flush()
    session.add_all(
        PolicyListItem(id=ctx.new_id("pit", line.code), list_id=row.id, ordinal=ordinal, **line.model_dump())
        for ordinal, line in enumerate(lines, start=1)
    )
    payload = {"list": row.id, "version": version, "items": len(lines), "consulted": sorted(consulted)}
    events.append(
        session,
        ctx,
        stream_kind="policy_list",
        stream_id=policy.region,
        type="library.policy_list_published",
        payload=payload | {"sha256": document.sha256},
    )
    return row


def _view(ctx: Context, title: str, lines: tuple[PolicyLine, ...]) -> dict[str, Any]:
    return {
        "title": title,
        "issuer": ROLE_NAMES[ctx.actor.role],
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [],
        "rows": [
            {"seq": str(number), **{key: value or "" for key, value in line.model_dump().items()}}
            for number, line in enumerate(lines, start=1)
        ],
    }
