"""``lifecycle audit verify``: every event chain against its hashes, the service records against the digests in the
chains, the sums of the whole ledger of money, and that no recipient is without an owner."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask
from models.core.actors import Actor, Role
from models.core.messages import sentence
from models.queries.chains import ChainCheck
from models.queries.delivery import RecordsCheck
from models.queries.ledger_check import LedgerCheck
from models.queries.succession import OwnersCheck
from portal.cli.output import NOT_AS_EXPECTED, console, print_json

app = typer.Typer(help="审计核验")


@app.callback()
def _group() -> None:
    """审计核验。"""


@app.command("verify", help="核验全部事件链、服务记录、资金总账和服务对象有人负责")
def verify(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False) -> None:
    """Check all chains, service records, the ledger and who answers for each recipient; exit 1 naming the first bad
    event, the batches of records that differ, every sum that does not hold, and the projects that left somebody."""
    with open_services(Settings()) as services:
        actor = Actor(Role.AUDIT_BODY, "cli")
        today = services.clock.now().date()
        check = ask(services, name="chains.verify", arguments={}, actor=actor, as_of=today)
        ledger = ask(services, name="funding.verify_ledger", arguments={}, actor=actor, as_of=today)
        records = ask(services, name="delivery.verify_records", arguments={}, actor=actor, as_of=today)
        owners = ask(services, name="delivery.verify_owners", arguments={}, actor=actor, as_of=today)
    if as_json:
        told = {"ledger": ledger.model_dump(), "service_records": records.model_dump(), "owners": owners.model_dump()}
        print_json({**check.model_dump(), **told})
    else:
        _tell(check, ledger)
        _tell_records(records)
        _tell_owners(owners)
    if not (check.ok and ledger.ok and records.ok and owners.ok):
        raise typer.Exit(NOT_AS_EXPECTED)


def _tell(check: ChainCheck, ledger: LedgerCheck) -> None:
    if check.ok:
        console.print(sentence("cli.chains.whole", {"streams": check.streams, "events": check.events}), markup=False)
    else:
        console.print(sentence("cli.chains.broken", {"where": check.first_bad}), markup=False)
    if ledger.ok:
        console.print(sentence("cli.ledger.whole", {"entries": ledger.entries}), markup=False)
    for fault in ledger.faults:
        console.print(fault.problem, markup=False)


def _tell_records(records: RecordsCheck) -> None:
    code = "cli.records.whole" if records.ok else "cli.records.broken"
    facts = {"batches": records.batches, "records": records.records, "bad": "、".join(records.bad)}
    console.print(sentence(code, facts), markup=False)


def _tell_owners(owners: OwnersCheck) -> None:
    if owners.ok:
        console.print(sentence("cli.owners.whole", {"recipients": owners.recipients}), markup=False)
    for project, persons in owners.without.items():
        console.print(sentence("cli.owners.left", {"project": project, "persons": persons}), markup=False)
