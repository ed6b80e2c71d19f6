"""How a value type says that what it was given cannot be such a value.

Raised by the value types of this folder (money, periods, identifiers); caught by pydantic, by the quality gates and
by doors. The exception is a ``ValueError`` with a stable ``type`` (a key of the message catalogue) and a Chinese
``message()``; it must never carry the value itself, which may be personal data.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import PydanticCustomError

from models.core.messages import sentence


def malformed(code: str, *, facts: Mapping[str, object] | None = None) -> PydanticCustomError:
    """Return the error for ``code``, ready to raise. Raises ``KeyError`` when the catalogue lacks the code."""
    return PydanticCustomError(code, sentence(code, facts))
