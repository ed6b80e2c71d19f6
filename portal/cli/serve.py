"""``lifecycle up``: S3, Prefect server, deployments, worker, until Ctrl+C; ``lifecycle down``: what outlived it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import typer

from infra.bootstrap import open_services
from infra.embedded.prefect_server import EmbeddedPrefect
from infra.embedded.prefect_worker import POOL, EmbeddedWorker
from infra.embedded.seaweed import EmbeddedS3
from infra.orchestrator import PROJECT_FILE
from infra.settings import Settings
from models.core.messages import sentence
from portal.cli.output import NOT_AS_EXPECTED, console, say_probe

_LOG = logging.getLogger(__name__)


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("up", help="启动本机服务(对象存储、Prefect、全部流程),按 Ctrl+C 停止")(up)
    app.command("down", help="停止仍在运行的本机服务")(down)


def up() -> None:
    """Start everything an installation needs on one machine and deploy all flows of prefect.yaml."""
    settings = Settings()
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda _number, _frame: stop.set())
    if EmbeddedWorker(settings.home / "worker").is_running():
        down()  # the ``up`` that started it was killed: nothing it left has an owner
    with ExitStack() as stack:
        s3 = stack.enter_context(EmbeddedS3(settings.home / "s3"))
        prefect = stack.enter_context(EmbeddedPrefect(settings.home / "prefect"))
        with open_services(settings) as services:  # migrates the database and proves that every server answers
            say_probe(services.documents.probe())
        worker = EmbeddedWorker(settings.home / "worker", _environment(settings, prefect))
        if not stop.is_set():
            deploy(_environment(settings, prefect))
        if not stop.is_set():
            stack.enter_context(worker)
            facts = {"url": prefect.environment()["PREFECT_API_URL"].removesuffix("/api"), "s3": s3.settings().endpoint}
            console.print(sentence("up.ready", facts), markup=False)
        while not stop.wait(1.0):
            dead = next((server for server in (s3, prefect, worker) if not server.is_running()), None)
            if dead is not None:
                console.print(sentence("up.child_died", {"name": dead.name, "log": dead.log}), markup=False)
                raise typer.Exit(NOT_AS_EXPECTED)
        console.print(sentence("up.stopping"), markup=False)


def down() -> None:
    """Stop servers and worker that still run for this installation, for example after a kill -9."""
    settings = Settings()
    EmbeddedWorker(settings.home / "worker").stop()
    EmbeddedPrefect(settings.home / "prefect").stop()
    EmbeddedS3(settings.home / "s3").stop()


def _environment(settings: Settings, prefect: EmbeddedPrefect) -> dict[str, str]:
    return {
        **os.environ,
        **prefect.environment(),
        "LIFECYCLE_HOME": str(settings.home.resolve()),
        "LIFECYCLE_CODE": str(PROJECT_FILE.parent),
    }


def deploy(environment: dict[str, str]) -> None:
    """Create the work pool if need be and deploy everything in prefect.yaml. Raises ``CalledProcessError``."""
    for arguments in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all", "--prefect-file", str(PROJECT_FILE)],
    ):
        done = subprocess.run(  # noqa: S603  our own interpreter, fixed arguments
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=PROJECT_FILE.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl+C is ours to handle
            check=False,
            timeout=300,
        )
        if done.returncode:
            _LOG.error("prefect %s: %s", arguments[0], done.stdout.decode(errors="replace")[-4000:])
        done.check_returncode()
