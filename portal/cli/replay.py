"""``lifecycle replay``: play a dated case against a fresh rehearsal database and report every step with its clause."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from infra.bootstrap import open_services
from infra.embedded.prefect_server import EmbeddedPrefect
from infra.embedded.seaweed import EmbeddedS3
from infra.orchestrator import Deployments, LocalLauncher
from infra.settings import Settings
from models.context import Services
from models.core.messages import sentence
from models.policy.resolver import load_policy_book
from portal.cli.output import NOT_AS_EXPECTED, console, print_json
from portal.replay.case import Case, read_case
from portal.replay.runner import CaseReport, StepReport, play, rehearsal_home, start_rehearsal

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("replay", help="按案例文件在全新的演练库中重放,逐步核对预期")(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="案例文件(YAML)")],
    prefect: Annotated[bool, typer.Option("--prefect", help="流程在本地 Prefect 服务中作为真实的流程运行")] = False,
    as_json: Json = False,
) -> None:
    """Play a case; exit 0 only if every expectation held, 2 when the case file is bad."""
    case = load_case(file)
    with opened(case, recorded=prefect) as (services, launcher, home):
        report = play(
            case, services=services, launcher=launcher, on_step=(lambda _step: None) if as_json else print_step
        )
    if as_json:
        print_json(report.as_json())
    else:
        kept = f"sqlite:///{home.resolve() / 'rehearsal.db'}"
        console.print(sentence("replay.kept", {"region": case.region, "url": kept}), markup=False)
        print_summary(report)
    if not report.ok:
        raise typer.Exit(NOT_AS_EXPECTED)


def load_case(file: Path) -> Case:
    """Read a case file against what is registered. Raises ``CaseError``."""
    launcher = LocalLauncher(recorded=False)
    parameters = {}
    for name in Deployments().by_name:
        schema = launcher.parameter_schema(deployment=name)
        properties = schema.get("properties")
        parameters[name] = properties if isinstance(properties, dict) else {}
    return read_case(file, regions=load_policy_book().regions(), deployments=parameters)


@contextmanager
def opened(
    case: Case, *, recorded: bool, watch: Callable[[int | None], None] = lambda _pid: None, database_url: str = ""
) -> Iterator[tuple[Services, LocalLauncher, Path]]:
    """Open services on a fresh rehearsal database with the embedded servers; flows see them through the environment.

    ``watch`` is told the process id of each embedded server; ``database_url`` names an empty database to play on
    instead of SQLite below home.
    """
    base = Settings()
    home = rehearsal_home(base.home, case)
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedS3(base.home / "s3"))
        watch(server.pid)
        s3 = server.settings()
        environment = {
            "LIFECYCLE_HOME": str(base.home.resolve()),
            "LIFECYCLE_MODE": "rehearsal",
            "LIFECYCLE_REGION": case.region,
            "LIFECYCLE_DATABASE_URL": database_url or f"sqlite:///{home.resolve() / 'rehearsal.db'}",
            "LIFECYCLE_S3_ENDPOINT": s3.endpoint,
            "LIFECYCLE_S3_ACCESS_KEY": s3.access_key,
            "LIFECYCLE_S3_SECRET_KEY": s3.secret_key,
            "LIFECYCLE_S3_SECURE": "false",
        }
        if recorded:
            prefect = stack.enter_context(EmbeddedPrefect(base.home / "prefect"))
            watch(prefect.pid)
            environment |= prefect.environment()
        stack.enter_context(_environment(environment))
        with open_services(Settings()) as plain:
            start_rehearsal(plain, case)
        services = stack.enter_context(open_services(Settings()))
        yield services, LocalLauncher(recorded=recorded), home


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def print_step(step: StepReport) -> None:
    """Print one step: whether it held, when, who, what, why (clause), and what flows it started."""
    mark = "[green]✓[/]" if step.held else "[red]✗[/]"
    outcome = sentence(f"replay.outcome.{step.outcome}")
    rule = f" 〔{escape(step.rule)}〕" if step.rule else ""
    synthetic = " ※" if step.synthetic else ""
    console.print(
        f"{mark} {step.on} {escape(step.label)}{synthetic} — {outcome}{rule}"
        f"  [dim]{escape(sentence('cli.step.why', {'clause': step.clause, 'actor': step.actor}))}[/]"
    )
    if step.note:
        console.print(f"    [dim]{escape(step.note)}[/]")
    if step.outcome != "ok":
        console.print(f"    {escape(step.message)}")
    for detail in step.details[:5] if not step.held else ():
        console.print(f"    [dim]{escape(' '.join(str(value) for value in detail.values()))}[/]")
    for flow in step.flows:
        counts = "、".join(f"{name} {value}" for name, value in flow.items() if name != "deployment")
        console.print(f"    [cyan]→ {flow['deployment']}[/] {escape(counts)}")
    for mismatch in step.mismatches:
        console.print(f"    [red]{escape(mismatch)}[/]")


def print_summary(report: CaseReport) -> None:
    """Print how many steps held."""
    held = sum(step.held for step in report.steps)
    facts = {"case": report.title, "held": held, "steps": len(report.steps)}
    console.print(sentence("replay.all_held" if report.ok else "replay.not_all_held", facts), markup=False)
