"""What may never stand on a public paper or page: the scan, which names places and never values (SYS-PUBLIC-LEAK).

Personal numbers are found by their form, names of recipients by comparison with the ledger's own, home addresses by
their form (what the ledger keeps of an address goes no deeper than a village). Pure: the caller brings the names and
must not log them. Called before a paper is printed, and again over the words of what was printed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.core.errors import DataFault, Detail
from models.core.identifiers import find_leaks
from models.core.messages import sentence

RULE: Final = "SYS-PUBLIC-LEAK"
OFFICE_FIELDS: Final = frozenset({"contact"})
"""Fields that hold the office's own address on purpose."""

_BLOT: Final = "＊"
_SHORT_NAME: Final = 2
_HAN: Final = re.compile("[\u3400-\u9fff]")
_NUMBER: Final = "[0-9０-９一二三四五六七八九十百零〇]{1,5}"
_HOME: Final = re.compile(
    f"{_NUMBER}(?:栋|幢|座|号楼)\\s*(?:{_NUMBER}单元)?\\s*{_NUMBER}(?:室|户|号)"
    f"|{_NUMBER}单元\\s*{_NUMBER}(?:室|户|号)|{_NUMBER}组\\s*{_NUMBER}号"
)


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding: its kind (message ``leak.<kind>``) and where it stands in the text, never what it is."""

    kind: str
    start: int
    end: int


def leaks(text: str, *, names: Collection[str] = (), addresses: bool = True) -> list[Leak]:
    """Return personal numbers, names of ``names`` and (``addresses``) home addresses in a text, in order.

    A name of two characters counts only where no other Chinese character touches it: 高明 in 提高明确 is nobody. Longer
    names are found across line ends too.
    """
    found = [Leak(leak.kind.value, leak.start, leak.end) for leak in find_leaks(text)]
    found += [Leak("name", start, end) for start, end in _names(text, frozenset(names))]
    if addresses:
        found += [Leak("address", match.start(), match.end()) for match in _HOME.finditer(text)]
    return sorted(found, key=lambda leak: leak.start)


def _names(text: str, names: frozenset[str]) -> Iterator[tuple[int, int]]:
    kept = [index for index, character in enumerate(text) if not character.isspace()]
    squeezed = "".join(text[index] for index in kept)
    for length in sorted({len(name) for name in names if len(name) >= _SHORT_NAME}):
        for first in range(len(squeezed) - length + 1):
            if squeezed[first : first + length] not in names:
                continue
            start, end = kept[first], kept[first + length - 1] + 1
            if length > _SHORT_NAME or not _touched(text, start, end):
                yield start, end


def _touched(text: str, start: int, end: int) -> bool:
    return bool(_HAN.match(text[start - 1 : start]) or _HAN.match(text[end : end + 1]))


def blotted(text: str, *, names: Collection[str] = ()) -> str:
    """Return ``text`` with every finding blotted out character by character: answers printed on a closing page."""
    for leak in leaks(text, names=names):
        text = text[: leak.start] + _BLOT * (leak.end - leak.start) + text[leak.end :]
    return text


def check_no_leak(*, view: Mapping[str, object], names: Collection[str] = ()) -> None:
    """Stop a paper for the public whose texts hold personal data.

    Raises ``DataFault`` ``publicity.leak``: one detail a finding with field, line and column, never the value.
    """
    found = [
        _detail(field, text, leak)
        for field, text in _texts(view, "")
        for leak in leaks(text, names=names, addresses=field.split(".")[0] not in OFFICE_FIELDS)
    ]
    _refuse(found)


def check_printed(*, part: str, text: str, names: Collection[str] = ()) -> None:
    """Stop a printed paper or page whose readable words hold personal data; ``part`` names the paper.

    Addresses were looked for in the fields: here the office's own would be found. Raises as ``check_no_leak``.
    """
    _refuse([_detail(part, text, leak) for leak in leaks(text, names=names, addresses=False)])


def _refuse(found: Sequence[Detail]) -> None:
    if found:
        places = "、".join(dict.fromkeys(detail.problem for detail in found))
        raise DataFault("publicity.leak", rule=RULE, facts={"places": places}, details=tuple(found))


def _detail(field: str, text: str, leak: Leak) -> Detail:
    line = text.count("\n", 0, leak.start) + 1
    column = leak.start - (text.rfind("\n", 0, leak.start) + 1) + 1
    kind = sentence(f"leak.{leak.kind}")
    facts = {"kind": kind, "field": field, "line": line, "column": column}
    return Detail(
        problem=sentence("publicity.leak_found", facts),
        field=field,
        row=line,
        column=str(column),
        value_class=kind,
        rule=RULE,
    )


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, f"{place}.{key}" if place else str(key))
        case Sequence():
            for index, item in enumerate(value):
                yield from _texts(item, f"{place}.{index}")
