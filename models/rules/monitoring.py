"""Rules of monitoring (S13): who writes which line of supervision, by which method, what its record must find.

Pure; called by ``commands.monitoring``, ``queries.monitoring`` and acceptance. Never reads the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.messages import catalogue, sentence
from models.policy.schema import Policy
from models.rules.force import binding

LINE_ROLES: Final[Mapping[str, frozenset[Role]]] = {
    "purchaser": frozenset({Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU}),
    "finance": frozenset({Role.FINANCE_BUREAU}),
    "third_party": frozenset({Role.THIRD_PARTY_EVALUATOR}),
    "expert": frozenset({Role.EXPERT}),
    "recipient": frozenset({Role.RECIPIENT, Role.RECIPIENT_AGENT}),
    "community": frozenset({Role.VILLAGE_COMMITTEE, Role.TOWNSHIP}),
}
"""Who speaks on a line. Huangshi names both its relief bureau and civil affairs as purchaser (HS-13, HS-30)."""

CLERK: Final = Role.EVALUATION_OFFICE
"""Files paper records for others, saying so."""

BEFORE_AFTER: Final = ("before", "after")
_NAMED: Final = "monitoring.finding."
"""Messages under this code name the findings that no list of policy names."""
FUNDS: Final = "funds"
SATISFACTION: Final = "satisfaction"
_LINE_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "finance": ("HS-34", "SYS-FINDINGS"),
    "expert": ("HS-38", "SYS-FINDINGS"),
    "recipient": ("HS-39", "SYS-FINDINGS"),
    "community": ("HS-40", "SYS-FINDINGS"),
}
_PHASES: Final[Mapping[str, str]] = {
    "in_progress": "implementation",
    "deferred": "implementation",
    "completed": "acceptance",
    "self_checked": "acceptance",
    "not_accepted": "acceptance",
    "accepted": "acceptance",
    "evaluated": "acceptance",
}
CONTRACT_PHASES: Final = frozenset({"implementation", "acceptance"})
"""Phases whose records count for the lines of supervision: the contract is being performed or was (HS-29)."""

CLOSED_STATES: Final = frozenset({"withdrawn", "rejected", "audited", "archived"})


@dataclass(frozen=True)
class Inspection:
    """One record on file: its line, the project's phase that day, the codes of its findings."""

    line: str
    phase: str
    findings: frozenset[str]


@dataclass(frozen=True)
class Coverage:
    """Records a line while the contract ran, lines without any, the purchaser's fund checks (HS-32), surveys (HS-33).

    ``phases`` counts the records of all three phases (ZY-107).
    """

    lines: Mapping[str, int]
    missing: tuple[str, ...]
    phases: Mapping[str, int]
    phases_missing: tuple[str, ...]
    fund_checks: int
    fund_checks_min: int
    satisfaction_surveys: int
    satisfaction_surveys_min: int


def phase_of(*, state: str) -> str:
    """Return the phase of full-course supervision a project is in; before it starts that is ``initiation``."""
    return _PHASES.get(state, "initiation")


def check_record(
    *, line: str, method: str, findings: Mapping[str, str], role: Role, on_behalf: str, policy: Policy
) -> None:
    """Refuse a record on a line, by a role or method, or without findings that the region does not accept.

    Raises ``Refusal`` ``monitoring.line_unknown``, ``monitoring.wrong_role`` (SYS-LINE-ROLE), ``monitoring.no_note``
    (SYS-ON-BEHALF), ``monitoring.method_unknown`` (HS-31, ZY-91), ``monitoring.finding_unknown`` (SYS-CODE-LIST),
    ``monitoring.findings_missing`` (HS-34, 38, 39, 40).
    """
    lines = policy.monitoring.lines
    if line not in lines:
        rule = binding(policy=policy, rules=("HS-29", "SYS-CODE-LIST"))
        raise Refusal("monitoring.line_unknown", rule=rule, facts={"line": line, "allowed": _listed(lines)})
    _check_role(line=line, role=role, on_behalf=on_behalf, name=lines[line])
    methods = methods_of(line=line, policy=policy)
    if method not in methods:
        common = ("ZY-91", "FZ-52", "SYS-CODE-LIST")
        rules = ("HS-31", *common) if line == "purchaser" else common
        facts = {"method": method, "line": lines[line], "allowed": _listed(methods)}
        raise Refusal("monitoring.method_unknown", rule=binding(policy=policy, rules=rules), facts=facts)
    _check_names(line=line, findings=findings, policy=policy)
    required = required_findings(line=line, policy=policy)
    missing = [name for code, name in required.items() if not findings.get(code, "").strip()]
    if missing or not findings:
        rule = binding(policy=policy, rules=_LINE_RULES.get(line, ("SYS-FINDINGS",)))
        names = "、".join(missing) or sentence("monitoring.findings")
        raise Refusal("monitoring.findings_missing", rule=rule, facts={"line": lines[line], "findings": names})


def _check_names(*, line: str, findings: Mapping[str, str], policy: Policy) -> None:
    names = finding_names(line=line, policy=policy)
    unknown = "、".join(code for code in findings if code not in names)
    if unknown:
        facts = {"findings": unknown, "allowed": _listed(names)}
        raise Refusal("monitoring.finding_unknown", rule="SYS-CODE-LIST", facts=facts)


def _check_role(*, line: str, role: Role, on_behalf: str, name: str) -> None:
    speakers = LINE_ROLES.get(line, frozenset())
    if role in speakers:
        return
    if role is not CLERK:
        allowed = "、".join(sorted(ROLE_NAMES[one] for one in speakers))
        facts = {"line": name, "role": ROLE_NAMES[role], "allowed": allowed}
        raise Refusal("monitoring.wrong_role", rule="SYS-LINE-ROLE", facts=facts)
    if not on_behalf.strip():
        raise Refusal("monitoring.no_note", rule="SYS-ON-BEHALF", facts={"line": name})


def methods_of(*, line: str, policy: Policy) -> Mapping[str, str]:
    """Return the methods of a line: the purchaser's own where the region lists them (HS-31), else the common ones."""
    own = policy.monitoring.purchaser_methods if line == "purchaser" else None
    return own or policy.monitoring.methods


def required_findings(*, line: str, policy: Policy) -> Mapping[str, str]:
    """Return the findings a record of this line must hold, code → name; none where the region asks for none."""
    match line:
        case "finance":
            return policy.monitoring.finance_findings or {}
        case "recipient":
            return policy.monitoring.recipient_items or {}
        case "community" if policy.monitoring.community_before_after:
            return {code: sentence(f"monitoring.finding.{code}") for code in BEFORE_AFTER}
        case _:
            return {}


def finding_names(*, line: str, policy: Policy) -> Mapping[str, str]:
    """Return how the findings of a line are called on paper, code → name; policy's own names come first."""
    common = {code.removeprefix(_NAMED): sentence(code) for code in catalogue() if code.startswith(_NAMED)}
    return {**common, **policy.monitoring.aspects, **required_findings(line=line, policy=policy)}


def coverage(*, records: Sequence[Inspection], policy: Policy) -> Coverage:
    """Count the records of every line and phase, and name what has none (HS-29, ZY-107)."""
    during = [record for record in records if record.phase in CONTRACT_PHASES]
    by_line = Counter(record.line for record in during)
    by_phase = Counter(record.phase for record in records)
    lines = {line: by_line[line] for line in policy.monitoring.lines}
    phases = {phase: by_phase[phase] for phase in policy.monitoring.phases}
    return Coverage(
        lines=lines,
        missing=tuple(line for line, count in lines.items() if not count),
        phases=phases,
        phases_missing=tuple(phase for phase, count in phases.items() if not count),
        fund_checks=sum(record.line == "purchaser" and FUNDS in record.findings for record in during),
        fund_checks_min=policy.monitoring.fund_checks_min or 0,
        satisfaction_surveys=sum(record.line == "purchaser" and SATISFACTION in record.findings for record in during),
        satisfaction_surveys_min=policy.monitoring.satisfaction_surveys_min or 0,
    )


def check_coverage(*, found: Coverage, policy: Policy) -> None:
    """Refuse to conclude while a line has no record, or the purchaser never looked at funds or asked recipients.

    Each where it binds. Raises ``Refusal`` ``monitoring.line_missing`` (HS-29), ``monitoring.no_fund_check`` (HS-32) or
    ``monitoring.no_satisfaction_survey`` (HS-33).
    """
    rule = binding(policy=policy, rules=("HS-29",))
    if rule and found.missing:
        names = "、".join(policy.monitoring.lines[line] for line in found.missing)
        raise Refusal("monitoring.line_missing", rule=rule, facts={"lines": names})
    rule = binding(policy=policy, rules=("HS-32",))
    if rule and found.fund_checks < found.fund_checks_min:
        facts = {"found": found.fund_checks, "wanted": found.fund_checks_min}
        raise Refusal("monitoring.no_fund_check", rule=rule, facts=facts)
    rule = binding(policy=policy, rules=("HS-33",))
    if rule and found.satisfaction_surveys < found.satisfaction_surveys_min:
        facts = {"found": found.satisfaction_surveys, "wanted": found.satisfaction_surveys_min}
        raise Refusal("monitoring.no_satisfaction_survey", rule=rule, facts=facts)


def _listed(labels: Mapping[str, str]) -> str:
    return "、".join(f"{code}({name})" for code, name in labels.items())
