"""Reads about policy: which values wait for a named official's confirmation before go-live (decision 18)."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.registry import query
from models.policy.resolver import PolicyBook
from models.policy.schema import ResolvedLeaf
from models.queries.reader import Reader
from models.tables.kernel import Event


class PolicyValue(BaseModel):
    """One leaf as an official reads it before confirming."""

    model_config = ConfigDict(frozen=True)

    key: str
    value: str
    unit: str
    meaning: str
    status: str
    evidence: str
    source: str
    effective_from: date
    confirmed: bool
    hard: str | None  # the rule under which no region below may set another value (ZY-118)


class PolicyDigest(BaseModel):
    """The digest of everything in force in a region on a day: what a round, a notice or a contract is pinned to."""

    model_config = ConfigDict(frozen=True)

    region: str
    on: date
    digest: str


@query("policy.digest", roles=tuple(Role), clause="SYS-POLICY-PIN")
def digest(reader: Reader, *, region: str) -> PolicyDigest:
    """Return the digest of the policy in force in a region on the reader's date."""
    policy = reader.policies.resolve(region=region, on=reader.as_of)
    return PolicyDigest(region=region, on=policy.on, digest=policy.digest)


def confirmation_id(*, region: str, key: str, effective_from: date) -> str:
    """Return the stream id under which the confirmation of one dated value is kept."""
    return f"{region}/{key}/{effective_from.isoformat()}"


def _confirmed(session: Session) -> frozenset[str]:
    rows = session.exec(
        select(Event.stream_id).where(col(Event.stream_kind) == "policy", col(Event.type) == "policy.value_confirmed")
    ).all()
    return frozenset(rows)


def unconfirmed(engine: Engine, book: PolicyBook, *, region: str, on: date) -> tuple[ResolvedLeaf, ...]:
    """Return the values in force in a region on a day that still wait for confirmation, sorted by key.

    A value that comes into force later is asked for from that day on: nobody can confirm what does not hold yet.
    """
    with Session(engine) as session:
        done = _confirmed(session)
    policy = book.resolve(region=region, on=on)
    leaves = [policy.leaves[key] for key in policy.unconfirmed_keys()]
    return tuple(
        leaf
        for leaf in leaves
        if confirmation_id(region=leaf.region, key=leaf.key, effective_from=leaf.effective.from_) not in done
    )


@query("policy.values", roles=tuple(Role), clause="SYS-POLICY")
def values(reader: Reader, *, region: str, unconfirmed_only: bool = False) -> tuple[PolicyValue, ...]:
    """Return the values in force in a region on the reader's date, with source, evidence and confirmation."""
    policy = reader.policies.resolve(region=region, on=reader.as_of)
    done = _confirmed(reader.session)
    found = []
    for key, leaf in sorted(policy.leaves.items()):
        id_ = confirmation_id(region=leaf.region, key=key, effective_from=leaf.effective.from_)
        confirmed = not leaf.needs_confirmation or id_ in done
        if unconfirmed_only and confirmed:
            continue
        found.append(
            PolicyValue(
                key=key,
                value=str(leaf.value),
                unit=leaf.unit,
                meaning=leaf.meaning,
                status=leaf.status,
                evidence=leaf.evidence,
                source=str(leaf.citation),
                effective_from=leaf.effective.from_,
                confirmed=confirmed,
                hard=reader.policies.hard(leaf),
            )
        )
    return tuple(found)
