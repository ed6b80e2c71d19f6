"""What the history of a project keeps back while a sealed round is open (S05): who sits on the panel, who scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import col, select

from models.core.actors import Role
from models.queries.reader import Reader
from models.tables.review import ReviewRound

_TOLD: Final = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
    Role.SYSTEM,
)
_HIDDEN: Final = frozenset({"panel", "seed", "expert_id", "seat_id", "substitute_id", "sheet_digest"})


def veiled_rounds(reader: Reader, project_id: str) -> frozenset[str]:
    """Return the rounds of a project whose panel the reader may not know yet."""
    if reader.actor.role in _TOLD:
        return frozenset()
    rows = reader.session.exec(
        select(ReviewRound.id).where(
            col(ReviewRound.project_id) == project_id,
            col(ReviewRound.sealed).is_(True),
            col(ReviewRound.closed_on).is_(None),
        )
    ).all()
    return frozenset(rows)


def veil(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of an event without what names a member of the panel."""
    return {name: value for name, value in payload.items() if name not in _HIDDEN}
