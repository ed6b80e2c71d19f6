"""What changed between two submissions of an application (S03), line by line and readable, personal fields masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.policy.schema import Policy
from models.ports import Vault
from models.queries.application import applications_of, lines_of, styles_of
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules.masking import masked
from models.tables.application import Application, ApplicationTeamMember

_HEAD: Final = ("applicant", "credit_code", "starts_on", "ends_on")
_PARTS: Final = ("background", "concept", "goals", "plan", "expected_effect")


_Lines = Mapping[str, tuple[str, str]]
"""Part → (name of the field, text)."""


class Change(BaseModel):
    """One field that differs: ``field`` as people call it; "" on a side that had nothing."""

    model_config = ConfigDict(frozen=True)

    part: str
    field: str
    old: str
    new: str


class Difference(BaseModel):
    """All that differs between two revisions."""

    model_config = ConfigDict(frozen=True)

    from_revision: int
    to_revision: int
    changes: tuple[Change, ...]


@query("application.diff", roles=EVERYONE_INSIDE, clause="ZY-18")
def diff(
    reader: Reader,
    *,
    project: str,
    from_: Annotated[int, Field(ge=1, description="旧的一次提交")],
    to: Annotated[int, Field(ge=1, description="新的一次提交")],
) -> Difference:
    """Return what differs between two submissions. Raises ``Refusal`` ``application.revision_unknown``."""
    row = project_of(reader.session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    by_number = {one.revision: one for one in applications_of(reader.session, project)}
    if unknown := sorted({from_, to} - by_number.keys()):
        facts = {"revisions": "、".join(str(one) for one in unknown), "last": max(by_number, default=0)}
        raise Refusal("application.revision_unknown", rule="SYS-NOT-FOUND", facts=facts)
    shown = _Reading(reader.session, reader.vault, policy, styles_of(reader, row.region))
    clear = _Reading(reader.session, reader.vault, policy, None)
    old, new = by_number[from_], by_number[to]
    before, after = shown.of(old), shown.of(new)
    changed = _differing(clear.of(old), clear.of(new))
    changes = tuple(_change(part, before.get(part), after.get(part)) for part in changed)
    return Difference(from_revision=from_, to_revision=to, changes=changes)


def changed_parts(
    session: Session, vault: Vault, *, old: Application, new: Application, policy: Policy
) -> frozenset[str]:
    """Return the parts in which two submissions differ: ``background``, ``budget``, ``team``, ``design:…``,
    ``attachment:…``. Names are compared in clear and never leave this function."""
    reading = _Reading(session, vault, policy, None)
    return frozenset(part.split("#", 1)[0] for part in _differing(reading.of(old), reading.of(new)))


def _differing(before: _Lines, after: _Lines) -> list[str]:
    """Return the parts whose clear texts differ, in the order of the form."""
    return [part for part in dict.fromkeys((*before, *after)) if before.get(part) != after.get(part)]


def _change(part: str, before: tuple[str, str] | None, after: tuple[str, str] | None) -> Change:
    field = (before or after or ("", ""))[0]
    old, new = before[1] if before else "", after[1] if after else ""
    # two names may look the same once masked: the reader must still see that one took the other's place
    return Change(part=part, field=field, old=old, new=new if new != old else sentence("application.diff.masked"))


class _Reading:
    """A submission as part → (field name, text); tables as ``budget#1``, ``team#1``. ``styles`` none: in clear."""

    def __init__(self, session: Session, vault: Vault, policy: Policy, styles: Mapping[str, str] | None) -> None:
        self._session, self._vault, self._policy, self._styles = session, vault, policy, styles

    def of(self, application: Application) -> dict[str, tuple[str, str]]:
        return {part: (field, text) for part, field, text in self._lines(application) if text}

    def _lines(self, row: Application) -> Iterator[tuple[str, str, str]]:
        for key in _HEAD:
            value = getattr(row, key)
            yield key, sentence(f"application.paper.{key}"), "" if value is None else str(value)
        labels = self._policy.application.plan_book_parts or self._policy.application.form_parts
        for key in _PARTS:
            label = labels.get("steps" if key == "plan" and key not in labels else key)
            yield key, label or sentence(f"application.part.{key}"), row.parts.get(key, "")
        for code, label in self._policy.library.design_items.items():
            yield f"design:{code}", label, row.design.get(code, "")
        sources = self._policy.funding.sources
        for line in lines_of(self._session, row.id):
            text = f"{line.category}，{sources.get(line.channel, line.channel)}，{Money(line.amount_fen).plain()}"
            yield f"budget#{line.ordinal}", sentence("application.field.budget", {"line": line.ordinal}), text
        yield "budget#total", sentence("application.field.total"), Money(row.total_fen).plain()
        yield from self._team(row.id)
        for item in row.attachments:
            label = sentence("application.field.attachment", {"kind": item["kind"]})
            yield f"attachment:{item['kind']}", label, f"{item['name']}（{item['sha256'][:12]}）"

    def _team(self, application: str) -> Iterator[tuple[str, str, str]]:
        team = self._session.exec(
            select(ApplicationTeamMember)
            .where(col(ApplicationTeamMember.application_id) == application)
            .order_by(col(ApplicationTeamMember.ordinal))
        ).all()
        roles = self._policy.application.team_roles
        for member in team:
            name = self._shown("name", member.name_sealed)
            contact = self._shown("phone", member.contact_sealed)
            role = roles.get(member.role, sentence("application.role.other"))
            text = "，".join(part for part in (role, name, contact, member.qualification) if part)
            yield f"team#{member.ordinal}", sentence("application.field.team", {"line": member.ordinal}), text

    def _shown(self, field: str, sealed: str | None) -> str:
        if not sealed:
            return ""
        text = self._vault.open(sealed)
        return text if self._styles is None else masked(field=field, text=text, styles=self._styles)
