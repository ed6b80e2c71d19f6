"""Anchoring the event chains: the heads of all streams, once a day, into storage nobody can rewrite."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.hashing import canonical_json, digest
from models.core.periods import add_months
from models.core.registry import command
from models.tables.kernel import StreamHead


class Anchor(BaseModel):
    """How many streams were anchored, and the digest of their heads."""

    model_config = ConfigDict(frozen=True)

    streams: int
    heads_digest: str


@command("chains.anchor", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="SYS-ANCHOR")
def anchor(ctx: Context) -> Anchor:
    """Store the heads of all chains under retention and leave their digest in the anchor stream.

    Raises ``DataFault`` ``storage.lying`` when the store does not keep its locks, ``Transient`` when it is away.
    """
    with ctx.reading() as session:
        heads = session.exec(
            select(StreamHead)
            .where(col(StreamHead.stream_kind) != "anchor")
            .order_by(col(StreamHead.stream_kind), col(StreamHead.stream_id))
        ).all()
        listed = [[head.stream_kind, head.stream_id, head.seq, head.hash] for head in heads]
    policy = ctx.policy(region=ctx.services.region)
    content = {"as_of": ctx.as_of.isoformat(), "heads": listed}
    if not ctx.dry_run:
        ctx.services.documents.archive(
            data=canonical_json(content),
            media_type="application/json",
            retain_until=add_months(ctx.as_of, months=12 * policy.archive.project_retention_years),
        )
    with ctx.writing() as session:
        events.append(
            session,
            ctx,
            stream_kind="anchor",
            stream_id="daily",
            type="chains.anchored",
            payload={"streams": len(listed), "heads_digest": digest(content)},
        )
    return Anchor(streams=len(listed), heads_digest=digest(content))
