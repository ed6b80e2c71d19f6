"""Rules of the feasibility report (S04): its chapters, the balance table, the register of risks, what it rests on.

Pure; called by ``commands.feasibility`` and ``commands.feasibility_report``. Never reads the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.policy.values import plain
from models.rules.force import binding

OUTLINE: Final = "feasibility.report_chapters"


@dataclass(frozen=True)
class BalanceLine:
    """Where the money of one channel comes from in a year, and what each purpose takes of it."""

    year: int
    channel: str
    sources: Money
    uses: Mapping[str, Money]


@dataclass(frozen=True)
class Risk:
    """One risk: likelihood and impact are codes of ``feasibility.risk_levels``, the owner a post or a unit."""

    name: str
    likelihood: str
    impact: str
    measure: str
    owner: str


@dataclass(frozen=True)
class Basis:
    """What a report is written on: the newest appraisal (``None``: there is none), the tables, the stability annex."""

    appraisal: str | None
    balance: bool
    risks: bool
    major: bool
    stability: str


@dataclass(frozen=True)
class Outline:
    """The version of the outline a report keeps to: where it comes from, since when, the digest of its chapters."""

    source: str
    since: str
    digest: str


def outline_of(*, policy: Policy) -> Outline:
    """Return the version of the outline in force."""
    leaf = policy.leaf(OUTLINE)
    return Outline(str(leaf.citation), leaf.effective.from_.isoformat(), digest(plain(leaf.value)))


def check_chapters(*, chapters: Mapping[str, str], policy: Policy) -> None:
    """Refuse a report that leaves out a chapter of the outline, leaves it empty, or has one the outline does not know.

    A chapter that does not fit a service says why. Raises ``Refusal`` ``feasibility.chapters_wrong`` (ZY-61), all at
    once.
    """
    rule = binding(policy=policy, rules=("ZY-61", "SYS-OUTLINE"))
    asked = policy.feasibility.report_chapters
    gaps = [
        Detail(
            problem=sentence("feasibility.blank" if code in chapters else "feasibility.chapter_missing"),
            field=title,
            rule=rule,
        )
        for code, title in asked.items()
        if not chapters.get(code, "").strip()
    ]
    gaps += [
        Detail(problem=sentence("feasibility.chapter_unknown"), field=code, rule=rule)
        for code in chapters
        if code not in asked
    ]
    _refuse("feasibility.chapters_wrong", gaps, {"outline": policy.clause(OUTLINE)})


def check_balance(*, lines: tuple[BalanceLine, ...], policy: Policy) -> None:
    """Refuse a balance table whose sources and uses differ in a year within a channel; channels are never pooled.

    Raises ``Refusal`` ``feasibility.channel_unknown`` (SYS-CODE-LIST), ``feasibility.amount_negative``,
    ``feasibility.balance_uneven`` (ZY-64) naming each year, channel and difference.
    """
    known = policy.funding.sources
    unknown = sorted({line.channel for line in lines} - set(known))
    if unknown:
        facts = {"codes": "、".join(unknown), "known": "、".join(known)}
        raise Refusal("feasibility.channel_unknown", rule="SYS-CODE-LIST", facts=facts)
    rule = binding(policy=policy, rules=("ZY-64", "SYS-BALANCE"))
    if any(amount < Money.ZERO for line in lines for amount in (line.sources, *line.uses.values())):
        raise Refusal("feasibility.amount_negative", rule=rule)
    sums: dict[tuple[int, str], tuple[Money, Money]] = defaultdict(lambda: (Money.ZERO, Money.ZERO))
    for line in lines:
        sources, uses = sums[line.year, line.channel]
        sums[line.year, line.channel] = sources + line.sources, uses + Money.total(line.uses.values())
    _refuse(
        "feasibility.balance_uneven",
        [
            Detail(
                problem=sentence(
                    "feasibility.uneven",
                    {"sources": sources.plain(), "uses": uses.plain(), "difference": (sources - uses).plain()},
                ),
                field=sentence("feasibility.year_channel", {"year": year, "channel": known[channel]}),
                rule=rule,
            )
            for (year, channel), (sources, uses) in sorted(sums.items())
            if sources != uses
        ],
    )


def check_risks(*, risks: tuple[Risk, ...], policy: Policy) -> None:
    """Refuse a register of risks with a blank field or an unknown level (``feasibility.risks_incomplete``, ZY-64)."""
    rule = binding(policy=policy, rules=("ZY-64", "SYS-RISKS"))
    levels = policy.feasibility.risk_levels
    gaps: list[Detail] = []
    for number, risk in enumerate(risks, start=1):
        place = risk.name.strip() or sentence("feasibility.risk_number", {"number": number})
        for field in ("name", "measure", "owner"):
            if not getattr(risk, field).strip():
                problem = sentence("feasibility.risk_blank", {"field": sentence(f"feasibility.risk.{field}")})
                gaps.append(Detail(problem=problem, field=place, rule=rule))
        for field in ("likelihood", "impact"):
            if getattr(risk, field) not in levels:
                problem = sentence("feasibility.risk_level", {"field": sentence(f"feasibility.risk.{field}")})
                gaps.append(Detail(problem=problem, field=place, expected="、".join(levels), rule=rule))
    _refuse("feasibility.risks_incomplete", gaps)


def check_basis(*, basis: Basis, policy: Policy) -> None:
    """Refuse a report without a positive appraisal, or without what it must bring along.

    Raises ``Refusal`` ``feasibility.not_appraised`` (ZY-66), ``feasibility.annexes_missing`` (ZY-64 the balance table
    and the register of risks, ZY-65 the stability assessment of a major project), all at once.
    """
    if basis.appraisal != "positive":
        raise Refusal("feasibility.not_appraised", rule=binding(policy=policy, rules=("ZY-66", "SYS-APPRAISAL")))
    wanted = (
        ("balance", basis.balance, "ZY-64"),
        ("risks", basis.risks, "ZY-64"),
        (
            "stability",
            bool(basis.stability.strip()) or not (basis.major and policy.feasibility.stability_for_major),
            "ZY-65",
        ),
    )
    _refuse(
        "feasibility.annexes_missing",
        [
            Detail(problem=sentence("feasibility.not_attached"), field=sentence(f"feasibility.annex.{name}"), rule=rule)
            for name, there, rule in wanted
            if not there and binding(policy=policy, rules=(rule,))
        ],
    )


def balance_warnings(
    *, lines: tuple[BalanceLine, ...], applied: Mapping[str, Money], policy: Policy
) -> tuple[str, ...]:
    """Say for which channels the balance table holds another sum than the application applied for."""
    planned: dict[str, Money] = defaultdict(lambda: Money.ZERO)
    for line in lines:
        planned[line.channel] += line.sources
    return tuple(
        sentence(
            "feasibility.warning.balance",
            {
                "channel": policy.funding.sources.get(channel, channel),
                "planned": planned[channel].plain(),
                "applied": applied.get(channel, Money.ZERO).plain(),
            },
        )
        for channel in sorted({*planned, *applied})
        if lines and planned[channel] != applied.get(channel, Money.ZERO)
    )


def _refuse(code: str, gaps: list[Detail], facts: Mapping[str, str] | None = None) -> None:
    if gaps:
        told = {"gaps": "、".join(f"{gap.field}({gap.problem})" for gap in gaps), **(facts or {})}
        raise Refusal(code, rule=gaps[0].rule, facts=told, details=tuple(gaps))
