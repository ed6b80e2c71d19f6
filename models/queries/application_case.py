"""An application as its review sees it (S03): the pinned guide, what is attached, what was told before, what changed.

Called by ``commands.application_intake``; the rules decide on what it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from models.policy.schema import Policy
from models.ports import Vault
from models.queries.application import applications_of, newest_application
from models.queries.application_diff import changed_parts
from models.queries.guide import guide_in_force
from models.queries.reader import found
from models.rules.application import Case, Gap
from models.tables.application import Application
from models.tables.guide import ApplicationGuide


@dataclass(frozen=True)
class Reviewed:
    """The visible application, its guide (``None`` where it has none), and the case the rules judge."""

    application: Application
    guide: ApplicationGuide | None
    case: Case


def reviewed(session: Session, *, project: str, policy: Policy, vault: Vault) -> Reviewed:
    """Return the visible application of a project as its review sees it. Raises ``kernel.not_found``."""
    application = found(newest_application(session, project), kind="application", id=project)
    guide = session.get(ApplicationGuide, application.guide_id) if application.guide_id else None
    returned = [one for one in _corrected(session, application) if one.returned_on]
    told = {key_of(gap) for one in returned for gap in one.told}
    changed = (
        changed_parts(session, vault, old=returned[-1], new=application, policy=policy) if returned else frozenset()
    )
    return Reviewed(
        application,
        guide,
        Case(
            conditions=_codes(guide, "review_conditions") if guide else None,
            required=_required(guide),
            attached=frozenset(item["kind"] for item in application.attachments),
            design=application.design,
            told=frozenset(told) if returned else None,
            changed=changed,
        ),
    )


def asked_attachments(session: Session, *, project: str, state: str, policy: Policy, on: date) -> dict[str, str] | None:
    """Return the attachments a project's next submission may bring (code → name), ``None`` without a guide.

    A returned case keeps its guide, every other takes the one in force.
    """
    newest = newest_application(session, project)
    if newest is not None and state == "returned":
        guide = session.get(ApplicationGuide, newest.guide_id) if newest.guide_id else None
    else:
        guide = guide_in_force(session, lineage=policy.lineage, on=on)
    return {item["code"]: item["name"] for item in guide.content["attachments"]} if guide else None


def key_of(gap: Mapping[str, str]) -> str:
    """Return what makes a gap as it was told the same as another."""
    return Gap(gap["text"], gap.get("about", ""), gap.get("part", "")).key


def _corrected(session: Session, application: Application) -> list[Application]:
    """Return the earlier submissions of the same case: back to where a new application began."""
    case: list[Application] = []
    for one in applications_of(session, application.project_id):
        case = [one] if one.supersedes_id else [*case, one]
    return [one for one in case if one.id != application.id]


def _codes(guide: ApplicationGuide, item: str) -> frozenset[str]:
    return frozenset(entry["code"] for entry in guide.content[item])


def _required(guide: ApplicationGuide | None) -> dict[str, str]:
    attachments = guide.content["attachments"] if guide else []
    return {item["code"]: item["name"] for item in attachments if item["required"]}
