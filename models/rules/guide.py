"""Rules of the work guide (工作指南, S03): what a version settles before it opens, and how versions follow.

Pure; called by ``commands.guide``. Never reads the database, decides no case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

_ITEM: Final = ("ZY-14", "SYS-GUIDE")
_CHART: Final = ("ZY-13", "SYS-GUIDE")


@dataclass(frozen=True)
class Step:
    """One step of the procedure and the codes of the steps that may follow it."""

    code: str
    name: str
    next: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """A guide as the rules see it: which of the six items hold something, all codes, the procedure, the limits."""

    filled: frozenset[str]
    codes: Mapping[str, tuple[str, ...]]
    steps: tuple[Step, ...]
    limits: Mapping[str, int]


def check_drafted(*, outline: Outline) -> None:
    """Refuse a guide that contradicts itself.

    Raises ``Refusal`` ``guide.code_twice``, ``guide.step_unknown`` (SYS-GUIDE).
    """
    for item, codes in outline.codes.items():
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            facts = {"item": sentence(f"guide.item.{item}"), "codes": "、".join(twice)}
            raise Refusal("guide.code_twice", rule="SYS-GUIDE", facts=facts)
    known = {step.code for step in outline.steps}
    named = {code for step in outline.steps for code in step.next} | set(outline.limits)
    if strange := sorted(named - known):
        raise Refusal("guide.step_unknown", rule="SYS-GUIDE", facts={"codes": "、".join(strange)})


def check_complete(*, outline: Outline, policy: Policy) -> None:
    """Refuse to put a guide in force before all is settled, every gap told at once.

    Six items (ZY-14); a flow chart that leads from its first step to every other (ZY-13); a time limit for every step,
    and a step for every clock this system runs (ZY-14: limits are configured per step before go-live).
    Raises ``Refusal`` ``guide.incomplete``.
    """
    gaps = (*_missing_items(outline, policy), *_broken_chart(outline, policy), *_missing_limits(outline, policy))
    if gaps:
        named = "；".join(f"{gap.field}：{gap.problem}" for gap in gaps)
        raise Refusal("guide.incomplete", rule=gaps[0].rule, facts={"gaps": named}, details=gaps)


def check_order(*, in_force_from: date, today: date, last: date | None, policy: Policy) -> None:
    """Refuse a version that would reach back: conditions of cases already submitted would change (ZY-15).

    Raises ``Refusal`` ``guide.reaches_back``, ``guide.out_of_order``.
    """
    rule = binding(policy=policy, rules=("ZY-15", "SYS-GUIDE"))
    if in_force_from < today:
        facts = {"day": in_force_from.isoformat(), "today": today.isoformat()}
        raise Refusal("guide.reaches_back", rule=rule, facts=facts)
    if last is not None and in_force_from <= last:
        facts = {"day": in_force_from.isoformat(), "last": last.isoformat()}
        raise Refusal("guide.out_of_order", rule=rule, facts=facts)


def _missing_items(outline: Outline, policy: Policy) -> Iterator[Detail]:
    for code, label in policy.application.guide_items.items():
        if code not in outline.filled:
            rule = binding(policy=policy, rules=_CHART if code == "procedure" else _ITEM)
            yield Detail(problem=sentence("guide.item_missing"), field=label, rule=rule)


def _broken_chart(outline: Outline, policy: Policy) -> Iterator[Detail]:
    reached = {step.code for step in outline.steps[:1]}
    following = {step.code: step.next for step in outline.steps}
    waiting = list(reached)
    while waiting:
        fresh = set(following[waiting.pop()]) - reached
        reached |= fresh
        waiting += sorted(fresh)
    for step in outline.steps:
        if step.code not in reached:
            rule = binding(policy=policy, rules=_CHART)
            yield Detail(problem=sentence("guide.step_unreached"), field=step.name, rule=rule)


def _missing_limits(outline: Outline, policy: Policy) -> Iterator[Detail]:
    rule = binding(policy=policy, rules=_ITEM)
    for step in outline.steps:
        if step.code not in outline.limits:
            yield Detail(problem=sentence("guide.limit_missing"), field=step.name, rule=rule)
    known = {step.code for step in outline.steps}
    for code in policy.application.step_limits if outline.steps else ():
        if code not in known:
            yield Detail(problem=sentence("guide.step_missing"), field=sentence(f"guide.step.{code}"), rule=rule)
