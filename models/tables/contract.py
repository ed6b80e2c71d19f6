"""Tables of the contract (S11). A project may have several contracts over its life; each is at most three years."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class Contract(SQLModel, table=True):
    """A signed purchase contract: half-open term [starts_on, ends_on), price in fen, clauses by name (BJ-34).

    ``predecessor_id`` is the contract it follows on the same project. ``assisting`` are the bodies that help (AH-05):
    ``body``, ``tasks``, ``party``; ``key_posts`` post → work number; ``in_kind`` what is given besides cash (AH-25):
    ``item``, ``value_fen``, ``basis``. ``breach`` is what a termination rests on when somebody failed (BJ-51).
    ``demanded`` is what of the money paid under it has to be got back: ``plan_line``, ``amount_fen``.
    """

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("procurement_id"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    state: str = Field(index=True)
    version: int
    policy_digest: str
    signed_on: date
    starts_on: date
    ends_on: date
    price_fen: int = Field(sa_type=BigInteger)
    clauses: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    extension_conditions: list[str] = Field(default_factory=list, sa_type=JSON)
    days_late: int = 0
    predecessor_id: str | None = Field(default=None, foreign_key="contract.id", index=True)
    assisting: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    key_posts: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    in_kind: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    bond_fen: int | None = Field(default=None, sa_type=BigInteger)
    published_on: date | None = None
    filed_on: date | None = None
    terminated_on: date | None = None
    termination_reason: str | None = None
    breach: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    demanded: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)


class ContractChange(SQLModel, table=True):
    """One agreed change of a contract, never edited: ``ordinal`` 1 makes it the contract's second version.

    ``kind`` is amended, subcontracted or key_post_changed; ``diff`` is field → [before, after]; ``amount_fen`` what the
    price rose by, or what was subcontracted to ``organisation_id``; ``document_id`` the paper or the consent.
    """

    __tablename__ = "contract_change"
    __table_args__ = (UniqueConstraint("contract_id", "ordinal"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    kind: str
    diff: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    reason: str = Field(sa_type=Text)
    amount_fen: int = Field(default=0, sa_type=BigInteger)
    organisation_id: str | None = Field(default=None, foreign_key="organisation.id")
    document_id: str | None = Field(default=None, foreign_key="document.id")
    changed_on: date
    policy_digest: str
