"""Rules of the project library (S02): what an entry must be linked to, and who it may come from.

Pure; called by ``commands.library``. Never reads the database.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding


@dataclass(frozen=True)
class Entry:
    """A proposed library entry: what it answers to and what it would be paid from."""

    needs: tuple[str, ...]
    policies: tuple[str, ...]
    fund_sources: tuple[str, ...]
    cooperation_modes: tuple[str, ...]
    origin: str | None
    payer: str


def check_entry(*, entry: Entry, policy: Policy) -> None:
    """Refuse an entry that lacks a need or policy link where policy asks for it, or names an unknown code.

    Raises ``Refusal`` code ``library.link_missing`` (ZY-44) or ``library.unknown_code`` (ZY-46, ZY-09, ZY-39), listing
    every fault at once.
    """
    links = {"need": entry.needs, "policy": entry.policies}
    missing = [link for link in policy.library.entry_links if not links[link]]
    if missing:
        raise Refusal(
            "library.link_missing",
            rule=binding(policy=policy, rules=("ZY-44", "AH-03", "SYS-ENTRY-LINKS")),
            facts={"links": "、".join(sentence(f"library.link.{link}") for link in missing)},
        )
    faults = (
        *_unknown("fund_sources", entry.fund_sources, tuple(policy.funding.sources), "ZY-46"),
        *_unknown("cooperation_modes", entry.cooperation_modes, tuple(policy.library.cooperation_modes), "ZY-09"),
        *_unknown("payer", (entry.payer,), tuple(policy.decision.payer_classes), "SYS-CODE-LIST"),
        *_unknown("origin", (entry.origin,) if entry.origin else (), tuple(policy.library.origins), "ZY-39"),
    )
    if faults:
        raise Refusal(
            "library.unknown_code",
            rule=binding(policy=policy, rules=("ZY-46", "SYS-CODE-LIST")),
            facts={"fields": "、".join(dict.fromkeys(fault.field or "" for fault in faults))},
            details=faults,
        )


def _unknown(field: str, given: tuple[str, ...], known: tuple[str, ...], rule: str) -> tuple[Detail, ...]:
    return tuple(
        Detail(
            problem=sentence("library.code_not_listed", {"code": code}),
            field=field,
            expected="、".join(known),
            rule=rule,
        )
        for code in given
        if code not in known
    )
