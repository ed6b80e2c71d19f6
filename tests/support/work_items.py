"""Whether what waits can be done as it stands: the command is there, the role may give it, the item says about what."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.registry import OperationKind, operations
from models.queries.work_arguments import arguments_of
from models.tables.kernel import WorkItem

_REFERENCES: Final = frozenset(
    [
        "bid",
        "book",
        "budget_line",
        "case",
        "check",
        "contract",
        "dispute",
        "duty",
        "finding",
        "follow_up",
        "inspection",
        "meeting_no",
        "month",
        "notice",
        "objection",
        "order",
        "organisation",
        "plan_line",
        "problem",
        "procurement",
        "project",
        "proposal",
        "referral",
        "round",
        "row",
        "survey",
        "ticket",
    ]
)
"""Arguments by which a command is told what it is about: those an item's command needs, the item must know."""
_CHOICES: Final = {
    "procurement.award": frozenset({"organisation"}),
    "procurement.supervise": frozenset({"finding"}),  # words, no reference
    "needs.assess_person": frozenset({"survey"}),  # whichever runs when the person is seen again
    "review.close_round": frozenset({"round"}),  # the office's clock runs before there is one
    "monitoring.recheck_rectification": frozenset({"finding"}),  # words
}
"""Arguments that are the act itself: whoever acts gives them."""


def unresolvable(session: Session) -> list[str]:
    """Return what is wrong with each open item that nobody could resolve as the list tells it."""
    wrong = []
    for item in session.exec(select(WorkItem).where(col(WorkItem.status) == "open")):
        operation = operations().get(item.resolves_with)
        what = f"{item.kind} ({item.subject_kind} {item.subject_id}) → {item.resolves_with}"
        if operation is None or operation.kind is not OperationKind.COMMAND:
            wrong.append(f"{what}: no such command")
            continue
        if Role(item.role) not in operation.roles:
            wrong.append(f"{what}: {item.role} may not give it")
        fields = operation.arguments.model_fields
        given = arguments_of(session, item)
        asked = {name for name, field in fields.items() if field.is_required()} & _REFERENCES
        unsaid = asked - given.keys() - _CHOICES.get(item.resolves_with, frozenset())
        wrong += [f"{what}: does not say which {name}" for name in sorted(unsaid)]
        try:
            operation.arguments.model_validate(given)
        except ValidationError as err:
            faults = [one for one in err.errors() if one["loc"] and one["loc"][0] in given]
            wrong += [f"{what}: {one['loc'][0]}={given[str(one['loc'][0])]!r}: {one['msg']}" for one in faults]
    return wrong
