"""The four error families, and how a refusal is worded.

Everything that can go wrong for a user is one of four families; anything else is a bug. A fault carries a stable
``code`` (a key of the message catalogue), the ``rule`` it rests on (``ZY-69``, ``LAW-ZFCG-36``, ``SYS-ROLE``), the
``facts`` that fill the sentence, and ``details`` when many things are wrong at once. Raised by rules, commands,
adapters and doors; rendered only by doors. Never put personal data into ``facts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from models.core.messages import sentence, way_out


@dataclass(frozen=True)
class Detail:
    """One thing that is wrong, with its place: a field path, or a cell (sheet, row, column) of a workbook.

    ``value_class`` says what kind of value was found ("空", "文本", "18位数字" ...), never the value itself.
    """

    problem: str
    field: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value_class: str | None = None
    expected: str | None = None
    rule: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the parts that are set, ready for JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}


class LifecycleError(Exception):
    """Base of the four families. ``code`` must be a key of the message catalogue (``models/core/messages``)."""

    family: ClassVar[str]
    exit_code: ClassVar[int]
    http_status: ClassVar[int]

    def __init__(
        self,
        code: str,
        *,
        rule: str | None = None,
        facts: Mapping[str, object] | None = None,
        details: tuple[Detail, ...] = (),
    ) -> None:
        self.code = code
        self.rule = rule
        self.facts = dict(facts or {})
        self.details = details
        self.recorded = False
        self.quarantined = False
        super().__init__(sentence(code, self.facts))

    @property
    def message(self) -> str:
        """The sentence shown to the user (zh-CN)."""
        return str(self)

    @property
    def way_out(self) -> str:
        """What the user can do about it (zh-CN); says that file or input is kept only once it has been kept."""
        text = way_out(self.code, self.facts)
        text = sentence("intake.quarantined") + text if self.quarantined else text
        return text + sentence("door.recorded") if self.recorded else text

    def as_json(self) -> dict[str, object]:
        """Return the fault as every door shows it: family, code, rule, message, way out, details."""
        return {
            "family": self.family,
            "code": self.code,
            "rule": self.rule,
            "message": self.message,
            "way_out": self.way_out,
            "details": [detail.as_json() for detail in self.details],
        }


class Refusal(LifecycleError):
    """The act is not allowed as asked; the person can mend it."""

    family = "refused"
    exit_code = 10
    http_status = 422


class Conflict(LifecycleError):
    """Somebody changed it meanwhile; reload and look again."""

    family = "conflict"
    exit_code = 11
    http_status = 409


class Transient(LifecycleError):
    """A server is away; nothing moved, the same act may be tried again."""

    family = "transient"
    exit_code = 12
    http_status = 503


class DataFault(LifecycleError):
    """The data or the store cannot be trusted: stop and look. The input is kept in quarantine."""

    family = "fault"
    exit_code = 13
    http_status = 422
