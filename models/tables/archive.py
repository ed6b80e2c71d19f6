"""Table of the archive (S18): the bundles of a closed project and where their bytes lie (ZY-32).

Written by ``commands.archive`` only. The row is the channel by which an auditor gets the bundle's identity.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class ArchivePackage(SQLModel, table=True):
    """A stored bundle: ``bundle_id`` is the SHA-256 of its tag manifest, ``sha256`` that of the zip (size in bytes).

    ``chain_head`` is the hash of the project's last event inside the bundle. Zip, signature (CMS, DER) and certificate
    (PEM) lie in the archive bucket under retention until ``retained_until``. A signature differs from run to run, so
    its digest stands here and never in an event. ``volumes`` rows are {code, name, files, years, retained_until}.

    ``version`` 1 closed the project; what was filed after that is in the next one, whole again. None is ever replaced.
    """

    __tablename__ = "archive_package"
    __table_args__ = (UniqueConstraint("project_id", "version"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    version: int
    bundle_id: str = Field(max_length=SHA256_LENGTH)
    sha256: str = Field(max_length=SHA256_LENGTH)
    zip_name: str
    size: int
    payload_count: int
    chain_head: str = Field(max_length=SHA256_LENGTH)
    archived_on: date
    retained_until: date
    volumes: list[dict[str, Any]] = Field(sa_type=JSON)
    signature_sha256: str = Field(max_length=SHA256_LENGTH)
    certificate_sha256: str = Field(max_length=SHA256_LENGTH)
    policy_digest: str
