"""What an alert says: project, what is due, clause, days left, the command that resolves it; never personal data.

The days are counted on the day the text is made, which the text names. Called by ``commands.alerts`` and, as a message
leaves, by ``commands.alert_sending``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.messages import catalogue, sentence
from models.tables.kernel import WorkItem

_MOST_LINES: Final = 200
"""How many items a digest names; the others are counted, and stand in ``work.list``."""


@dataclass(frozen=True)
class Line:
    """One item of a message: ``late`` when its alert was, ``supervisor`` when the hearer is to see that it is done,
    ``stand_in`` when that is so because whoever must act could not be told."""

    item: WorkItem
    late: bool = False
    supervisor: bool = False
    stand_in: bool = False


@dataclass(frozen=True)
class Text:
    """A message as it leaves."""

    title: str
    body: str


def kept(line: Line) -> dict[str, Any]:
    """Return a line as its message keeps it."""
    marks = {"supervisor": line.supervisor, "stand_in": line.stand_in, "late": line.late}
    return {"item": line.item.id, "due_on": line.item.due_on.isoformat(), **marks}


def line_of(item: WorkItem, line: Mapping[str, Any]) -> Line:
    """Return a kept line of an item."""
    return Line(item, late=line["late"], supervisor=line["supervisor"], stand_in=line["stand_in"])


def text_of(ctx: Context, *, number: str, lines: Sequence[Line], digest: bool) -> Text:
    """Return the message that tells these lines, as they stand today; a ``digest`` names their number in its title."""
    item = lines[0].item
    title = sentence("alerts.mail.digest_title", {"count": len(lines), "on": ctx.as_of})
    if len(lines) == 1 and not digest:
        facts = {"what": _what(item), "left": _left(ctx, item), "project": item.project_id or item.subject_id}
        title = sentence("alerts.mail.title", facts)
    head = sentence("alerts.mail.rehearsal") if ctx.services.rehearsal else ""
    told = [_line(ctx, place, line) for place, line in enumerate(lines[:_MOST_LINES], start=1)]
    if len(lines) > _MOST_LINES:
        told.append(sentence("alerts.mail.more", {"count": len(lines) - _MOST_LINES}))
    opening = sentence("alerts.mail.opening", {"on": ctx.as_of})
    foot = sentence("alerts.mail.foot", {"number": number})
    return Text(title=head + title, body="\n\n".join([opening, *told, foot]))


def _line(ctx: Context, place: int, line: Line) -> str:
    item, due_on = line.item, line.item.due_on.isoformat()
    facts = {
        "place": place,
        "what": _what(item),
        "project": item.project_id or item.subject_id,
        "due_on": sentence("alerts.mail.provisional", {"due_on": due_on}) if item.provisional else due_on,
        "left": _left(ctx, item),
        "clause": item.clause,
        "command": item.resolves_with,
    }
    marks = []
    if line.stand_in:
        marks.append(sentence("alerts.mail.stand_in", {"role": ROLE_NAMES[Role(item.role)]}))
    elif line.supervisor:
        marks.append(sentence("alerts.mail.supervisor", {"role": ROLE_NAMES[Role(item.role)]}))
    if line.late:
        marks.append(sentence("alerts.mail.late"))
    return sentence("alerts.mail.line", facts) + "".join(marks)


def _what(item: WorkItem) -> str:
    """Return the name of the command that resolves an item; one that a newer version has no more by its code."""
    label = f"command.{item.resolves_with}"
    return sentence(label) if label in catalogue() else item.resolves_with


def _left(ctx: Context, item: WorkItem) -> str:
    days = (item.due_on - ctx.as_of).days
    if days == 0:
        return sentence("alerts.mail.today")
    return sentence("alerts.mail.days_left" if days > 0 else "alerts.mail.days_over", {"days": abs(days)})
