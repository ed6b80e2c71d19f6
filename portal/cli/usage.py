"""Wrong use of the command line (a missing argument, an unknown option or command), told in Chinese.

Called by ``portal.cli.main`` only. Typer words its complaints in English; none of its text is shown.
"""

from __future__ import annotations

import re

from typer.exceptions import TyperException

from models.core.messages import sentence

_NO_COMMAND = re.compile(r"No such command '(.*)'\.", re.DOTALL)


def usage_problem(error: TyperException) -> str:
    """Return what is wrong and where to look it up. Typer's kinds of error are private, hence told by their names."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "lifecycle"
    facts = {"name": _name_of(error), "command": command}
    match type(error).__name__:
        case "MissingParameter":
            return sentence("cli.usage.missing", facts)
        case "NoSuchOption":
            return sentence("cli.usage.no_option", facts)
        case "BadParameter" | "BadOptionUsage":
            return sentence("cli.usage.bad_value", facts)
    unknown = _NO_COMMAND.fullmatch(error.message)
    if unknown is not None:
        return sentence("cli.usage.no_command", {**facts, "name": unknown[1]})
    return sentence("cli.usage.other", facts)


def _name_of(error: TyperException) -> str:
    """Return the option as typed, or the argument as the help names it."""
    option = getattr(error, "option_name", None)
    if option is not None:
        return str(option)
    parameter = getattr(error, "param", None)
    if parameter is None:
        return ""
    return "/".join(parameter.opts) if parameter.param_type_name == "option" else str(parameter.name).upper()
