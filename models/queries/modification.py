"""What was changed in a project on its way to approval, and why (S08): read by ``decision.record`` and the archive.

Texts of an application are shown with every personal number in them blotted out; the rows keep them as written.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.rules.masking import redacted
from models.tables.decision import ProjectModification


class ModificationView(BaseModel):
    """One modification: kind of change → before and after (money in fen), why, what it voided, the state it led to."""

    model_config = ConfigDict(frozen=True)

    id: str
    ordinal: int
    kinds: tuple[str, ...]
    diff: dict[str, Any]
    reason: str
    voided: tuple[str, ...]
    back_to: str
    modified_on: date


def modifications_of(session: Session, project: str) -> tuple[ModificationView, ...]:
    """Return the modifications of a project in the order made."""
    rows = session.exec(
        select(ProjectModification)
        .where(col(ProjectModification.project_id) == project)
        .order_by(col(ProjectModification.ordinal))
    ).all()
    return tuple(
        ModificationView(
            id=row.id,
            ordinal=row.ordinal,
            kinds=tuple(row.kinds),
            diff=_redacted(row.diff),
            reason=redacted(row.reason),
            voided=tuple(row.parts),
            back_to=row.back_to,
            modified_on=row.modified_on,
        )
        for row in rows
    )


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redacted(value)
        case dict():
            return {key: _redacted(item) for key, item in value.items()}
        case list():
            return [_redacted(item) for item in value]
        case _:
            return value
