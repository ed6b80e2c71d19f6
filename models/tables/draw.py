"""Table of the commitments of draws: the digest of a seed, published before the draw it decides.

Written by ``commands.draws`` alone. The seed is sealed until the draw; a commitment that a changed roster overtook is
marked with the day, never deleted.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class DrawCommitment(SQLModel, table=True):
    """One seed bound to one draw: standing until revealed by the draw or overtaken by a changed roster."""

    __tablename__ = "draw_commitment"

    id: str = Field(primary_key=True)
    draw_id: str = Field(unique=True)
    subject_id: str = Field(index=True)
    commitment: str = Field(max_length=SHA256_LENGTH)
    roster_digest: str = Field(max_length=SHA256_LENGTH)
    seed_sealed: str = Field(sa_type=Text)
    committed_on: date
    revealed_on: date | None = None
    overtaken_on: date | None = None
