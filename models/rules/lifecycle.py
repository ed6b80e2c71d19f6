"""The one transition table: which thing may move from which state to which, by which command, leaving which event.

"May this happen?" stands here; "may this person?" stands with each command's roles. ``commands.transition.apply`` is
the only reader that writes. The Mermaid diagram in ``docs/`` is generated from this table, ``make check`` compares.
States are those of decision 9; a state string in cases and queries is ``<thing>.<state>``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from models.core.errors import Refusal
from models.core.messages import sentence


class Thing(StrEnum):
    """The four things that have a state; each gate hangs on the right one (architecture, decision 8)."""

    PROJECT = "project"
    PLAN_LINE = "plan_line"
    PROCUREMENT = "procurement"
    CONTRACT = "contract"


UNBORN = ""
_ARCHIVED = "archived"
_ENDED_UNAPPROVED = frozenset({"rejected", "withdrawn"})
"""A project that ended so comes back only as a new one that names it as its predecessor."""


@dataclass(frozen=True)
class Transition:
    """``command`` (with ``outcome`` where one command can end differently) moves ``thing`` to ``target``."""

    thing: Thing
    command: str
    sources: frozenset[str]
    target: str
    event: str
    rule: str
    outcome: str = ""


def _move(
    thing: Thing, command: str, sources: str, target: str, event: str, rule: str, outcome: str = ""
) -> Transition:
    names = frozenset(sources.split("|")) if sources else frozenset({UNBORN})
    return Transition(thing, command, names, target, f"{thing}.{event}", rule, outcome)


_P, _L, _B, _C = Thing.PROJECT, Thing.PLAN_LINE, Thing.PROCUREMENT, Thing.CONTRACT

_NOTICED = "on_publicity|decided|approved"
_APPRAISED = f"candidate|reviewed|{_NOTICED}"

TRANSITIONS: tuple[Transition, ...] = (
    _move(_P, "library.enter_project", "", "in_library", "entered_library", "ZY-44"),
    _move(_P, "application.submit", "in_library|returned", "submitted", "submitted", "ZY-18"),
    _move(_P, "application.supersede", "submitted|returned", "submitted", "application_superseded", "SYS-SUPERSEDE"),
    _move(_P, "application.return_for_correction", "submitted", "returned", "returned", "ZY-14"),
    _move(
        _P,
        "application.withdraw",
        "in_library|submitted|returned|candidate|reviewed|on_publicity|decided",
        "withdrawn",
        "withdrawn",
        "SYS-WITHDRAW",
    ),
    _move(_P, "feasibility.appraise", "submitted|reviewed", "candidate", "appraised", "ZY-63", "positive"),
    _move(_P, "feasibility.appraise", "submitted|reviewed", "returned", "appraisal_failed", "ZY-63", "negative"),
    _move(
        _P, "review.open_round", "submitted|candidate|reviewed|under_review", "under_review", "review_opened", "ZY-19"
    ),
    _move(_P, "review.close_round", "under_review", "reviewed", "reviewed", "ZY-23"),
    _move(_P, "review.sign_opinion", "under_review", "reviewed", "reviewed", "ZY-23"),
    _move(_P, "publicity.publish_notice", "reviewed|candidate", "on_publicity", "published", "ZY-24"),
    _move(_P, "publicity.raise_objection", "on_publicity", "objection", "objected", "ZY-24"),
    _move(_P, "publicity.answer_objection", "objection", "on_publicity", "objection_answered", "ZY-24", "rejected"),
    _move(_P, "publicity.answer_objection", "objection", "reviewed", "objection_upheld", "ZY-24", "upheld"),
    _move(_P, "publicity.withdraw_objection", "objection", "on_publicity", "objection_withdrawn", "ZY-24"),
    _move(_P, "decision.decide", "on_publicity", "decided", "decided", "ZY-71", "positive"),
    _move(_P, "decision.decide", "on_publicity", "rejected", "rejected", "ZY-71", "negative"),
    _move(_P, "decision.approve", "decided", "approved", "approved", "ZY-70"),
    _move(_P, "decision.void_number", "approved", "decided", "approval_voided", "ZY-70"),
    _move(_P, "decision.modify", "approved", "decided", "modified", "ZY-70", "approval"),
    _move(_P, "decision.modify", "decided|approved", "on_publicity", "decision_voided", "ZY-71", "decision"),
    _move(_P, "decision.modify", _NOTICED, "reviewed", "publicity_voided", "ZY-24", "publicity"),
    _move(_P, "decision.modify", f"reviewed|{_NOTICED}", "candidate", "review_voided", "ZY-19", "review"),
    _move(_P, "decision.modify", _APPRAISED, "submitted", "feasibility_voided", "ZY-63", "feasibility"),
    _move(_P, "decision.modify", _NOTICED, "candidate", "publicity_voided", "ZY-24", "publicity_panel_first"),
    _move(
        _P,
        "decision.modify",
        f"candidate|{_NOTICED}",
        "reviewed",
        "feasibility_voided",
        "ZY-63",
        "feasibility_panel_first",
    ),
    _move(_P, "decision.modify", _APPRAISED, "submitted", "review_voided", "ZY-19", "review_panel_first"),
    _move(_P, "funding.issue_plan", "approved", "planned", "planned", "ZY-77"),
    _move(_P, "delivery.start", "planned", "in_progress", "started", "ZY-25"),
    _move(_P, "midterm.decide", "in_progress|deferred", "stopped", "stopped", "ZY-104", "STOP"),
    _move(_P, "midterm.decide", "in_progress|deferred", "converted", "converted", "ZY-104", "CONVERT"),
    _move(_P, "midterm.decide", "in_progress", "deferred", "deferred", "ZY-104", "DEFER"),
    _move(_P, "midterm.decide", "deferred", "in_progress", "resumed", "ZY-104", "CONTINUE"),
    _move(_P, "delivery.refer_project", "planned|in_progress|deferred", "referred", "referred", "ZY-28"),
    _move(_P, "delivery.complete", "in_progress", "completed", "completed", "ZY-95"),
    _move(_P, "acceptance.submit_self_check", "completed", "self_checked", "self_checked", "ZY-95"),
    _move(_P, "acceptance.conclude", "self_checked", "accepted", "accepted", "ZY-97", "accepted"),
    _move(_P, "acceptance.conclude", "self_checked", "not_accepted", "not_accepted", "ZY-97", "not_accepted"),
    _move(_P, "acceptance.submit_self_check", "not_accepted", "self_checked", "self_checked_again", "ZY-99", "again"),
    _move(_P, "acceptance.overturn", "accepted", "self_checked", "acceptance_overturned", "SYS-OVERTURN"),
    _move(_P, "evaluation.conclude", "accepted", "evaluated", "evaluated", "ZY-29"),
    _move(
        _P, "audit.record_receipt", "evaluated|stopped|converted|referred", "audited", "audited", "ZY-31", "complete"
    ),
    _move(_P, "archive.close_project", "audited", "archived", "archived", "ZY-32"),
    _move(_L, "funding.draft_plan", "", "drafted", "drafted", "ZY-75"),
    _move(_L, "funding.adopt_scenario", "", "drafted", "drafted", "ZY-78"),
    _move(_L, "funding.sign_plan", "drafted", "signed", "signed", "ZY-77", "complete"),
    _move(_L, "funding.issue_plan", "signed", "issued", "issued", "ZY-77"),
    _move(_L, "funding.pay", "issued", "paid", "paid", "ZY-112", "in_full"),
    _move(_L, "funding.cancel_line", "drafted|signed", "closed", "cancelled", "ZY-75"),
    _move(_L, "funding.close_line", "issued|paid", "closed", "closed", "ZY-112"),
    _move(_L, "midterm.decide", "drafted|signed|issued|paid", "closed", "closed", "ZY-104"),
    _move(_L, "delivery.refer_project", "drafted|signed|issued|paid", "closed", "closed", "ZY-28"),
    _move(_B, "procurement.plan", "", "planned", "planned", "ZY-80"),
    _move(_B, "procurement.publish_notice", "planned|failed|method_changed", "noticed", "noticed", "HS-16"),
    _move(_B, "procurement.close_bidding", "noticed", "failed", "failed", "LAW-ZFCG-36", "too_few"),
    _move(_B, "procurement.approve_method_change", "failed", "method_changed", "method_changed", "HS-17"),
    _move(_B, "procurement.award", "noticed|method_changed", "awarded", "awarded", "HS-19"),
    _move(_B, "procurement.withdraw_award", "awarded", "noticed", "award_withdrawn", "LAW-ZFCGTL-49"),
    _move(_B, "procurement.cancel", "planned|noticed|failed|method_changed", "void", "voided", "LAW-ZFCG-36"),
    _move(_B, "midterm.decide", "planned|noticed|failed|method_changed", "void", "voided", "ZY-104"),
    _move(_B, "delivery.refer_project", "planned|noticed|failed|method_changed", "void", "voided", "ZY-28"),
    _move(_C, "contract.sign", "", "signed", "signed", "BJ-33"),
    _move(_C, "delivery.start", "signed", "running", "started", "ZY-25"),
    _move(_C, "delivery.complete", "running", "ended", "ended", "BJ-46"),
    _move(_C, "contract.terminate", "signed|running", "terminated", "terminated", "BJ-51"),
    _move(_C, "midterm.decide", "signed|running", "terminated", "terminated", "ZY-104"),
    _move(_C, "delivery.refer_project", "signed|running", "terminated", "terminated", "ZY-28"),
)


def states(thing: Thing) -> tuple[str, ...]:
    """Return the states of a thing in table order, each once."""
    found = dict.fromkeys(move.target for move in TRANSITIONS if move.thing is thing)
    return tuple(found)


def find(*, thing: Thing, command: str, state: str, outcome: str = "") -> Transition:
    """Return the transition a command may make from a state.

    Raises ``Refusal`` code ``lifecycle.not_in_state`` (rule ``SYS-STATE``) naming the state and the allowed ones.
    """
    candidates = [
        move for move in TRANSITIONS if move.thing is thing and move.command == command and move.outcome == outcome
    ]
    if not candidates:
        raise LookupError(f"{command} ({outcome or 'no outcome'}) has no transition for {thing}")
    for move in candidates:
        if state in move.sources:
            return move
    raise not_in_state(thing=thing, command=command, state=state)


def check_in_state(*, thing: Thing, command: str, state: str) -> None:
    """Refuse a command that could not move the thing from this state whatever its outcome (rule ``SYS-STATE``)."""
    if not any(m.thing is thing and m.command == command and state in m.sources for m in TRANSITIONS):
        raise not_in_state(thing=thing, command=command, state=state)


def check_state_in(*, thing: Thing, command: str, state: str, allowed: Iterable[str]) -> None:
    """Refuse a command that moves nothing but works only in some states (rule ``SYS-STATE``)."""
    names = tuple(allowed)
    if state not in names:
        raise not_in_state(thing=thing, command=command, state=state, allowed=names)


def check_not_archived(*, command: str, state: str) -> None:
    """Refuse a command on a project whose archive is closed: its life is over (``SYS-STATE``)."""
    allowed = tuple(one for one in states(Thing.PROJECT) if one != _ARCHIVED)
    check_state_in(thing=Thing.PROJECT, command=command, state=state, allowed=allowed)


def not_in_state(*, thing: Thing, command: str, state: str, allowed: Iterable[str] | None = None) -> Refusal:
    """Return the refusal that names the present state and the states in which the command works."""
    sources = (
        {source for move in TRANSITIONS if move.thing is thing and move.command == command for source in move.sources}
        if allowed is None
        else set(allowed)
    )
    ended = thing is Thing.PROJECT and state in _ENDED_UNAPPROVED
    return Refusal(
        "lifecycle.ended_unapproved" if ended else "lifecycle.not_in_state",
        rule="SYS-STATE",
        facts={
            "command": sentence(f"command.{command}"),
            "thing": sentence(f"thing.{thing}"),
            "state": state_name(thing=thing, state=state),
            "allowed": "、".join(sorted(state_name(thing=thing, state=name) for name in sources if name))
            or sentence("state.none"),
        },
    )


def state_name(*, thing: Thing, state: str) -> str:
    """Return the state's name as users read it."""
    return sentence(f"state.{thing}.{state}") if state else sentence("state.none")


def mermaid() -> str:
    """Return the state diagram of all things as Mermaid text (English identifiers, one composite block a thing)."""
    lines = ["stateDiagram-v2"]
    for thing in Thing:
        lines.append(f"  state {thing} {{")
        for move in (move for move in TRANSITIONS if move.thing is thing):
            label = move.command + (f" [{move.outcome}]" if move.outcome else "")
            for source in sorted(move.sources):
                start = f"{thing}_{source}" if source else "[*]"
                lines.append(f"    {start} --> {thing}_{move.target}: {label}")
        lines.append("  }")
    return "\n".join(lines) + "\n"
