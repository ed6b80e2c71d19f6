"""What is wrong with arguments, in Chinese and by field: pydantic's errors as our details, and what no field may hold.

Called by doors and quality gates. A value never appears (it may be personal data), nor does pydantic's English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from models.core.errors import Detail
from models.core.messages import catalogue, sentence

_FALLBACK: Final = "validation.other"
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNSEEN: Final = "".join(
    character
    for character in map(chr, range(0x10000))
    if character.isspace() or character in "\u200b\u200c\u200d\u2060\ufeff"
)
_DEEPEST: Final = 50
_LONGEST_TEXT: Final = 100_000
_LARGEST_INTEGER: Final = 2**63 - 1
_MOST_DETAILS: Final = 200
_LONGEST_NAME: Final = 60  # of a field's name as shown: names come from the caller too

_Path = tuple[str | int, ...]


def details_of(error: ValidationError) -> tuple[Detail, ...]:
    """Return one detail an error, in field order; values never appear (they may be personal data)."""
    return tuple(
        Detail(problem=_problem(item["type"], item["msg"], item.get("ctx", {})), field=_shown(item["loc"]) or None)
        for item in error.errors(include_url=False, include_input=False)
    )


def _problem(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind in catalogue():  # raised by a value type of ours (models.core.malformed), worded already
        return message
    if _CHINESE.search(reason := str(context.get("error", ""))):
        return reason
    code = f"validation.{kind}"
    facts = {name: _without_english(value) for name, value in context.items()}
    return sentence(code if code in catalogue() else _FALLBACK, facts)


def _without_english(value: object) -> object:
    """Return pydantic's list of choices (``'a', 'b' or 'c'``) as a Chinese one."""
    return value.replace(" or ", "、").replace(", ", "、") if isinstance(value, str) else value


def _shown(path: _Path) -> str:
    return ".".join(str(part)[:_LONGEST_NAME] for part in path)


def tidy(value: object) -> Any:
    """Return arguments with the texts at any depth freed of what surrounds them unseen: blanks and zero-width signs.

    A text of nothing else becomes empty, and is refused where a text must be given. Models stay as they are.
    """
    match value:
        case str():
            return value.strip(_UNSEEN)
        case Mapping():
            return {key: tidy(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(tidy(item) for item in value) if type(value) in (list, tuple) else value
        case _:
            return value


def unfit(arguments: Mapping[str, object]) -> tuple[Detail, ...]:
    """Return what no database, hash or paper could hold, whatever the field: broken or control characters, text over
    100,000 characters, integers beyond 64 bits, nesting deeper than 50. At most 200 details."""
    return tuple(islice(_unfit(arguments, ()), _MOST_DETAILS))


def _unfit(value: object, path: _Path) -> Iterator[Detail]:
    match value:
        case BaseModel():
            yield from _unfit(dict(value), path)
        case Mapping() | list() | tuple() if len(path) >= _DEEPEST:
            yield _fault("validation.too_deep", path, {"most": _DEEPEST})
        case Mapping():
            for key, item in value.items():
                wrong = tuple(_unfit(key, (*path, "?")))  # the name itself may not be shown
                yield from wrong or _unfit(item, (*path, str(key)))
        case list() | tuple():
            for number, item in enumerate(value):
                yield from _unfit(item, (*path, number))
        case str() if len(value) > _LONGEST_TEXT:
            yield _fault("validation.text_too_long", path, {"most": _LONGEST_TEXT})
        case str() if _SURROGATE.search(value):
            yield _fault("validation.text_broken", path)
        case str() if _CONTROL.search(value):
            yield _fault("validation.text_control", path)
        case int() if abs(value) > _LARGEST_INTEGER:
            yield _fault("validation.integer_too_large", path)


def _fault(code: str, path: _Path, facts: Mapping[str, object] | None = None) -> Detail:
    return Detail(problem=sentence(code, facts), field=_shown(path) or "?")
