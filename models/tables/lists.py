"""Tables of the three lists (三项清单, S01–S02): rows of the service, resource and project list, versions.

Written by ``commands.lists`` and ``commands.project_list``; read by matching and by the library. Nothing here is ever
edited: a changed row is a new one that ``replaces`` the old, a dropped row has a withdrawal, a version names its rows.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class ServiceRow(SQLModel, table=True):
    """One row of the service list (服务清单, L03). ``funding`` is fen a year; ``overlaps``: policy → gives it."""

    __tablename__ = "service_list_row"
    __table_args__ = (UniqueConstraint("replaces_id"), Index("ix_service_list_row_item", "region", "item"))

    id: str = Field(primary_key=True)
    region: str
    replaces_id: str | None = Field(default=None, foreign_key="service_list_row.id")
    service_class: str
    item: str
    other_reason: str
    targets: list[str] = Field(sa_type=JSON)
    standard: str
    standard_document_id: str | None = Field(default=None, foreign_key="document.id")
    supplier: str
    funding: int | None = Field(default=None, sa_type=BigInteger)
    service_years: int | None = None
    payer_class: str
    government_share: bool
    channel: str
    beyond_basic: bool
    covered_by_material: bool
    overlaps: dict[str, bool] = Field(sa_type=JSON)
    policy_ref: str
    warnings: list[str] = Field(sa_type=JSON)
    registered_on: date
    policy_digest: str
    synthetic: bool


class ResourceRow(SQLModel, table=True):
    """One row of the resource list (资源清单, L02): a provider's capability for a period, its contact sealed.

    ``capacity`` is places in the period over all ``items`` together; ``submitted_by`` the unit that brought it (FZ-22).
    """

    __tablename__ = "resource_list_row"
    __table_args__ = (UniqueConstraint("replaces_id"),)

    id: str = Field(primary_key=True)
    region: str
    replaces_id: str | None = Field(default=None, foreign_key="resource_list_row.id")
    provider: str
    credit_code: str
    kind: str
    other_reason: str
    source: str
    items: list[str] = Field(sa_type=JSON)
    areas: list[str] = Field(sa_type=JSON)
    capacity: int
    valid_from: date
    valid_until: date
    contact_sealed: str = Field(sa_type=Text)
    submitted_by: str
    warnings: list[str] = Field(sa_type=JSON)
    registered_on: date
    policy_digest: str
    synthetic: bool


class ProjectRow(SQLModel, table=True):
    """One row of the project list (项目清单): needs, services and resources it joins, and who pays which part.

    ``shares`` are ``{channel, contributor, amount}`` in fen, never pooled (ZY-10); ``total`` is their sum.
    ``brand`` tags a theme or a special activity (ZY-47, FZ-35).
    """

    __tablename__ = "project_list_row"
    __table_args__ = (UniqueConstraint("replaces_id"),)

    id: str = Field(primary_key=True)
    region: str
    replaces_id: str | None = Field(default=None, foreign_key="project_list_row.id")
    title: str
    surveys: list[str] = Field(sa_type=JSON)
    services: list[str] = Field(sa_type=JSON)
    resources: list[str] = Field(sa_type=JSON)
    payer_class: str
    shares: list[dict[str, Any]] = Field(sa_type=JSON)
    total: int = Field(sa_type=BigInteger)
    design: dict[str, str] = Field(sa_type=JSON)
    plan_alignment: str
    responsible_unit: str
    cooperating_units: list[str] = Field(sa_type=JSON)
    domain: str
    other_reason: str
    catalogue_code: str
    priority_service: str
    participation: dict[str, str] = Field(sa_type=JSON)
    brand: str
    warnings: list[str] = Field(sa_type=JSON)
    registered_on: date
    policy_digest: str
    synthetic: bool


class RowWithdrawal(SQLModel, table=True):
    """A row that the next version leaves out, and why; versions published before keep it."""

    __tablename__ = "list_row_withdrawal"

    row_id: str = Field(primary_key=True)
    reason: str
    withdrawn_on: date


class ListVersion(SQLModel, table=True):
    """One published version of a list (``kind`` service, resource, project); a later one supersedes it.

    ``digest`` covers the rows' ids in order; ``co_drafters`` are the charities that drafted with us (ZY-49).
    """

    __tablename__ = "list_version"
    __table_args__ = (UniqueConstraint("region", "kind", "number"),)

    id: str = Field(primary_key=True)
    region: str
    kind: str
    number: int
    published_on: date
    row_ids: list[str] = Field(sa_type=JSON)
    digest: str = Field(max_length=SHA256_LENGTH)
    co_drafters: list[str] = Field(sa_type=JSON)
    fiscal_capacity: str
    document_id: str = Field(foreign_key="document.id")
    policy_digest: str
