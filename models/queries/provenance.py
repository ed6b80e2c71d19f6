"""What is stated by the source, what was made up for the run, and what stays blank (decision 24).

Every event of a project lists the arguments its caller marked synthetic as ``<command>.<argument path>``. Papers ask
here for each figure: a synthetic one prints with ※, one that is not stated prints blank, never zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from models.core.messages import sentence
from models.core.registry import operations
from models.tables.kernel import Event

_AFTER_NAME: Final = re.compile("[；;(（:：]")
"""Where the name of a field ends and the guidance for filling it in begins."""


@dataclass(frozen=True)
class Marks:
    """The synthetic argument paths of one project."""

    paths: frozenset[str]

    def is_synthetic(self, path: str) -> bool:
        """Say whether ``<command>.<argument>``, anything below it or what holds it was marked synthetic."""
        return any(f"{mark}.".startswith(f"{path}.") or path.startswith(f"{mark}.") for mark in self.paths)

    def cell(self, text: object | None, path: str) -> dict[str, object]:
        """Return a figure as papers take it: ``{"text", "synthetic", "stated"}``; ``None`` and "" are not stated."""
        stated = text is not None and text != ""
        return {"text": str(text) if stated else "", "synthetic": stated and self.is_synthetic(path), "stated": stated}

    def labels(self, *commands: str) -> list[str]:
        """Return the Chinese names of the synthetic fields of these commands (all when none is named), sorted."""
        chosen = (path for path in self.paths if not commands or ".".join(path.split(".")[:2]) in commands)
        return sorted({field_label(path) for path in chosen})


def field_label(path: str) -> str:
    """Return ``<command label>·<argument label>`` for an argument path; the label is the argument's description,
    without the guidance behind its name.
    """
    stage, verb, *rest = path.split(".")
    name = f"{stage}.{verb}"
    operation = operations().get(name)
    field = operation.arguments.model_fields.get(rest[0]) if operation and rest else None
    described = _AFTER_NAME.split(field.description)[0].strip() if field and field.description else ""
    argument = sentence("field.on") if rest == ["on"] else described or ".".join(rest)
    return f"{sentence(f'command.{name}')}·{argument}"


def marks(session: Session, project_id: str, *, pending: frozenset[str] = frozenset(), command: str = "") -> Marks:
    """Return the marks of a project, with those of the running command (``pending``) already counted."""
    rows = session.exec(
        select(Event.payload).where(col(Event.stream_kind) == "project", col(Event.stream_id) == project_id)
    ).all()
    found = {path for payload in rows for path in payload.get("synthetic", ())}
    return Marks(frozenset(found | {f"{command}.{path}" for path in pending}))
