"""Help pages and wrong use of the command line (a missing argument, an unknown option or command), in Chinese.

Called by ``portal.cli.main`` only. Typer words its pages and complaints in English; none of its text is shown. Its
headings are module constants that it means to be set; what is no constant is set on the commands, once they are built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from typer import Typer, rich_utils
from typer.exceptions import TyperException
from typer.main import get_command

from models.core.messages import sentence

_ENGLISH_USAGE: Final = "Usage: "
_HEADINGS: Final = {
    "ARGUMENTS_PANEL_TITLE": "cli.help.arguments",
    "OPTIONS_PANEL_TITLE": "cli.help.options",
    "COMMANDS_PANEL_TITLE": "cli.help.commands",
    "ERRORS_PANEL_TITLE": "cli.help.error",
    "REQUIRED_LONG_STRING": "cli.help.required",
    "DEFAULT_STRING": "cli.help.default",
    "DEPRECATED_STRING": "cli.help.deprecated",
    "ABORTED_TEXT": "cli.help.aborted",
}
_TYPES: Final = {
    f"<{typed}>": f"<{sentence(f'cli.help.type.{typed}')}>" for typed in ("str", "bool", "int", "path", "file")
}
_NO_SUBCOMMAND: Final = "Missing command."
_NO_COMMAND = re.compile(r"No such command '(.*)'\.", re.DOTALL)


def command_of(app: Typer) -> Any:
    """Return the application's command with all its help pages in Chinese."""
    for constant, code in _HEADINGS.items():
        setattr(rich_utils, constant, sentence(code, _PLACEHOLDER))
    command = get_command(app)
    _translate(command)
    return command


_PLACEHOLDER: Final = {"value": "{}"}  # the default itself is filled in by Typer


def _translate(command: Any) -> None:
    command.options_metavar = sentence("cli.help.options_mark")
    if hasattr(command, "subcommand_metavar"):
        command.subcommand_metavar = sentence("cli.help.command_mark")
    english_usage, english_help = command.get_usage, command.get_help_option

    def get_usage(ctx: Any) -> str:
        return sentence("cli.help.usage") + str(english_usage(ctx)).removeprefix(_ENGLISH_USAGE)

    def get_help_option(ctx: Any) -> Any:
        option = english_help(ctx)
        if option is not None:
            option.help = sentence("cli.help.help")
            _name_type(option)
        return option

    command.get_usage, command.get_help_option = get_usage, get_help_option
    for parameter in command.params:
        _name_type(parameter)
    children: Mapping[str, Any] = getattr(command, "commands", {})
    for child in children.values():
        _translate(child)


def _name_type(parameter: Any) -> None:
    english = type(parameter).display_type.__get__(parameter)
    parameter.display_type = lambda ctx: _TYPES.get(named := str(english(ctx)), named)


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
    if error.message == _NO_SUBCOMMAND:
        return sentence("cli.usage.no_subcommand", facts)
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
