"""Turns pydantic's validation errors into our details: the field's path, what was expected, in Chinese."""

from __future__ import annotations

from pydantic import ValidationError

from models.core.errors import Detail
from models.core.messages import catalogue, sentence

_FALLBACK = "validation.other"


def details_of(error: ValidationError) -> tuple[Detail, ...]:
    """Return one detail an error, in field order; values never appear (they may be personal data)."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        kind = f"validation.{item['type']}"
        code = kind if kind in catalogue() else _FALLBACK
        facts: dict[str, object] = {"type": item["type"], "reason": item["msg"], **item.get("ctx", {})}
        found.append(Detail(problem=sentence(code, facts), field=".".join(str(part) for part in item["loc"]) or None))
    return tuple(found)
