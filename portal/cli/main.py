"""The command line ``lifecycle``: parse, call one command, query or flow, render. All text is Chinese.

Exit codes (public contract): 0 ok, 1 not as expected, 2 usage or bad case, 10 refusal, 11 conflict, 12 transient,
13 data fault, 70 bug. Must never decide anything about welfare.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import uuid

import typer
from typer.exceptions import TyperException

from models.core.errors import LifecycleError
from models.core.messages import sentence
from portal.cli import (
    archive,
    audit,
    catalogue,
    demo,
    draw,
    keys,
    operations,
    replay,
    rules,
    serve,
    standing,
    templates,
)
from portal.cli.output import BUG, USAGE, fail, say_error
from portal.cli.usage import command_of, usage_problem
from portal.replay.case import CaseError

app = typer.Typer(
    name="lifecycle",
    help="服务类社会救助项目全生命周期管理",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
catalogue.add_to(app)
operations.add_to(app)
replay.add_to(app)
demo.add_to(app)
serve.add_to(app)
rules.add_to(app)
standing.add_to(app)
app.add_typer(archive.app, name="archive")
app.add_typer(draw.app, name="draw")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(templates.app, name="templates")


def run() -> None:
    """Run the command line: the one place where a bare exception is caught, and logged once with an incident id."""
    os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the shell passed may be no text in any encoding
    json_wanted = "--json" in sys.argv
    try:
        code = command_of(app)(prog_name="lifecycle", standalone_mode=False)
    except LifecycleError as fault:
        sys.exit(fail(fault, json_wanted=json_wanted))
    except CaseError as error:
        say_error(str(error), json_wanted=json_wanted, facts={"line": error.line, "column": error.column})
        sys.exit(USAGE)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)
        else:
            say_error(usage_problem(error), json_wanted=json_wanted)
        sys.exit(USAGE)
    except Exception:
        incident = uuid.uuid4().hex[:12]
        logging.getLogger("lifecycle").exception("unexpected error", extra={"incident": incident})
        say_error(sentence("cli.bug", {"incident": incident}), json_wanted=json_wanted)
        sys.exit(BUG)
    sys.exit(code if isinstance(code, int) else 0)
