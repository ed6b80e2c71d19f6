"""``lifecycle work`` and ``lifecycle why``: who must act today, and how a project came to where it stands.

Two queries made readable; decides nothing. With ``--json`` both print the queries' own answers.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask
from models.core.actors import ROLE_NAMES, Actor, Role
from models.core.messages import sentence
from models.queries.why import Step, Why
from models.queries.work import OpenItem
from models.rules.alerts import SUPERVISOR, is_overdue
from models.rules.citing import written_clause
from portal.cli.output import console, print_json, usage

_READER: Final = Actor(Role.AUDIT_BODY, "cli")
Json = Annotated[bool, typer.Option("--json", help=sentence("cli.standing.help.json"))]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("work", help=sentence("cli.standing.help.work"))(work)
    app.command("why", help=sentence("cli.standing.help.why"))(why)


def work(
    role: Annotated[str, typer.Option("--role", help=sentence("cli.standing.help.role"))] = "",
    by: Annotated[str, typer.Option("--by", help=sentence("cli.standing.help.by"))] = "",
    as_json: Json = False,
) -> None:
    """List who must act: what, by when, by which clause, and the command that resolves it; the first due first."""
    if role not in {"", *Role}:
        raise usage("cli.standing.unknown_role", {"given": role, "known": "、".join(Role)}, as_json=as_json)
    try:
        last = date.fromisoformat(by) if by else None
    except ValueError as error:
        raise usage("cli.standing.bad_day", {"given": by}, as_json=as_json) from error
    arguments = {"role": role or None, "due_by": last}
    items, today = _asked("work.list", arguments)
    if as_json:
        print_json([item.model_dump(mode="json") | {"source": written_clause(item.clause)} for item in items])
        return
    table = Table(box=None)
    for title in sentence("cli.standing.columns").split("、"):
        table.add_column(title, overflow="fold")
    for item in items:
        table.add_row(*_item(item, today))
    console.print(table)
    late = sum(item.due_on < today for item in items)
    console.print(sentence("cli.standing.count", {"total": len(items), "late": late}), markup=False)


def why(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help=sentence("cli.standing.help.project"))],
    as_json: Json = False,
) -> None:
    """Print every step that led to a project's state: gates, clauses, papers, roles, amounts; then what comes next."""
    told, today = _asked("project.why", {"project": project})
    if as_json:
        print_json(told.model_dump(mode="json"))
        return
    for line in _page(told, today):
        console.print(line, markup=False)


def _asked(name: str, arguments: dict[str, Any]) -> tuple[Any, date]:
    with open_services(Settings()) as services:
        today = services.clock.now().date()
        return ask(services, name=name, arguments=arguments, actor=_READER, as_of=today), today


def _item(item: OpenItem, today: date) -> tuple[str, ...]:
    left = (item.due_on - today).days
    code = "cli.standing.late" if left < 0 else "cli.standing.provisional" if item.provisional else "cli.standing.due"
    what = sentence(f"command.{item.resolves_with}")
    return (
        sentence(code, {"day": item.due_on.isoformat(), "days": abs(left)}),
        ROLE_NAMES[Role(item.role)],
        sentence("cli.standing.noted", {"what": what, "note": item.note}) if item.note else what,
        f"{item.resolves_with} {json.dumps(item.given, ensure_ascii=False)}",
        item.project or item.subject,
        written_clause(item.clause),
    )


def _page(told: Why, today: date) -> list[str]:
    synthetic = sentence("cli.standing.synthetic") if told.synthetic else ""
    now = "、".join(
        sentence(f"thing.{thing}") + sentence(f"state.{thing}.{state}")
        for thing, states in told.states.items()
        for state in dict.fromkeys(states)
    )
    lines = [sentence("cli.standing.title", {"name": told.name, "id": told.id, "synthetic": synthetic, "now": now})]
    for step in told.steps:
        lines += _step(step)
    lines += _beside(told)
    lines.append(sentence("cli.standing.waiting" if told.waiting else "cli.standing.nothing_waits"))
    lines += [f"  {' | '.join(_item(item, today))}" for item in told.waiting]
    lines.append(sentence("cli.standing.next" if told.next else "cli.standing.at_the_end"))
    lines += [f"  {move.label} {move.command}({'、'.join(move.roles)})" for move in told.next]
    return lines


def _beside(told: Why) -> list[str]:
    """Return the lines of what changed nothing: calls that a gate refused, alerts of what was due."""
    lines = [sentence("cli.standing.refused")] if told.refused else []
    for one in told.refused:
        missing = f":{';'.join(one.missing)}" if one.missing else ""
        facts = {"on": one.on.isoformat(), "label": one.label, "role": one.role, "clause": one.clause}
        lines.append(sentence("cli.standing.refused_line", facts | {"missing": missing}))
    lines += [sentence("cli.standing.alerts")] if told.alerts else []
    for alert in told.alerts:
        over = "supervisor" if alert.level == SUPERVISOR else "overdue" if is_overdue(alert.level) else "before"
        level = sentence(f"cli.standing.alert_{over}", {"days": alert.level})
        late = sentence("cli.standing.alert_late") if alert.late else ""
        facts = {"on": alert.on.isoformat(), "label": alert.label, "due_on": alert.due_on.isoformat()}
        lines.append(sentence("cli.standing.alert_line", facts | {"level": level, "late": late}))
    return lines


def _step(step: Step) -> list[str]:
    """Return the lines of one step: the head, then one line for each move, gate, paper and amount."""
    head = {"on": step.on.isoformat(), "label": step.label, "role": step.role, "clause": step.clause}
    lines = [sentence("cli.standing.step", head)]
    for move in step.moves:
        before = sentence(f"state.{move.thing}.{move.before}") if move.before else sentence("state.none")
        after = sentence(f"state.{move.thing}.{move.after}")
        facts = {"thing": sentence(f"thing.{move.thing}"), "before": before, "after": after}
        lines.append(sentence("cli.standing.move", facts))
    lines += [sentence("cli.standing.gate", {"clause": gate.clause, "gist": gate.gist}) for gate in step.gates]
    lines += [sentence("cli.standing.paper", {"title": paper.title, "sha256": paper.sha256}) for paper in step.papers]
    lines += [sentence("cli.standing.figure", one.model_dump()) for one in step.figures]
    for leg in step.amounts:
        account, amount = sentence(f"account.{leg.account}"), leg.amount.plain()
        where = {"account": account, "channel": leg.channel, "year": leg.year, "amount": amount}
        lines.append(sentence("cli.standing.amount", where))
    if step.synthetic:
        lines.append(sentence("cli.standing.made_up", {"count": len(step.synthetic)}))
    return lines
