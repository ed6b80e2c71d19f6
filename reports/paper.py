"""What every paper has in common: the frozen view each kind extends, the figure cell, and the registry entry.

A check that fails names a ``paper.problem.*`` label of the message catalogue as its error type.
Views arrive as JSON and are checked here, so that a paper with a missing or unknown field is never printed. Figures
arrive already worded ("50.00", "−58.3%"): a paper computes nothing. Used by the stage modules of ``reports`` and by the
renderer. Never put a rule of welfare here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.core.messages import sentence
from reports.columns import Column


class View(BaseModel):
    """Base of all views: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(View):
    """One figure of a paper.

    ``synthetic`` prints ※ behind the text (made up for a rehearsal). ``stated=False`` prints blank (the source does
    not say); such a cell may not carry a text, because a figure nobody stated must never reach paper.
    """

    text: str = ""
    synthetic: bool = False
    stated: bool = True

    @model_validator(mode="after")
    def _blank_when_not_stated(self) -> Cell:
        if not self.stated and (self.text or self.synthetic):
            raise PydanticCustomError("not_stated_has_value", "not stated, yet it has a value")
        return self

    @property
    def printed(self) -> str:
        """The text as it stands on paper."""
        return f"{self.text}※" if self.synthetic else self.text


def _as_cell(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


def _as_para(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Figure = Annotated[Cell, BeforeValidator(_as_cell)]
"""A ``Cell``, or a plain string that stands for a stated, genuine one."""

Line = Annotated[str, Field(min_length=1)]
"""A text that must not be empty."""


class Para(View):
    """One paragraph of the body: ``h1`` 一、 · ``h2`` (一) · ``p`` running text. Numbers are part of the text."""

    level: Literal["h1", "h2", "p"] = "p"
    text: Line


Paragraph = Annotated[Para, BeforeValidator(_as_para)]
"""A ``Para``, or a plain string that stands for running text."""


def _h2_below_h1(body: tuple[Para, ...]) -> tuple[Para, ...]:
    levels = [para.level for para in body]
    if "h2" in levels and "h1" not in levels[: levels.index("h2")]:
        raise PydanticCustomError("h2_without_h1", "an h2 stands below an h1")
    return body


Body = Annotated[tuple[Paragraph, ...], AfterValidator(_h2_below_h1)]
"""The whole body of a paper whose template adds no headings: readers for the blind need 一、 before (一)."""


class Fact(View):
    """One line of a two-column table: what it is, and its value."""

    label: Line
    value: Figure


def _has_synthetic(value: object) -> bool:
    match value:
        case Cell():
            return value.synthetic
        case View():
            return any(_has_synthetic(item) for _, item in value)
        case tuple():
            return any(_has_synthetic(item) for item in value)
        case _:
            return False


class Sheet(View):
    """What papers and ledgers share.

    ``date`` is the date of the document (成文日期), never the day of printing. ``synthetic_fields`` are the zh-CN names
    of the fields made up for a rehearsal: a ※ without such a name, or a synthetic field in a paper that is not a
    rehearsal, is refused.
    """

    issuer: Line
    date: dt.date
    rehearsal: bool
    synthetic_fields: tuple[Line, ...]

    @model_validator(mode="after")
    def _synthetic_is_named_and_rehearsed(self) -> Sheet:
        if self.synthetic_fields and not self.rehearsal:
            raise PydanticCustomError("synthetic_in_real", "only a rehearsal may carry synthetic fields")
        if not self.synthetic_fields and _has_synthetic(tuple(item for _, item in self)):
            raise PydanticCustomError("synthetic_unnamed", "a figure is synthetic, no field is named so")
        return self


class Paper(Sheet):
    """Head of every printed paper. ``doc_no`` may be empty: it is then left blank, as on a draft."""

    title_lines: Annotated[tuple[Line, ...], Field(min_length=1)]
    doc_no: str


class Official(Paper):
    """A paper under a red letterhead (GB/T 9704-2012): addressee, body, attachments, colophon."""

    addressee: Line
    paras: Body
    attachments: tuple[Line, ...] = ()
    co_issuers: tuple[Line, ...] = ()
    copy_to: str = ""
    disclosure: str = ""


class Row(View):
    """One row of a ledger: its fields are the ledger's column keys, each a ``Figure``."""


class Ledger(Sheet):
    """Head of every ledger printed as xlsx; a kind narrows ``rows``."""

    title: Line
    rows: tuple[Row, ...]


def rehearsal_banner(view: Sheet) -> str:
    """Return the mark a rehearsal bears on each page, empty for a real paper."""
    if not view.rehearsal:
        return ""
    return sentence("paper.rehearsal_synthetic" if view.synthetic_fields else "paper.rehearsal")


def synthetic_statement(view: Sheet) -> str:
    """Return the closing statement that names the synthetic fields, empty when there are none.

    A field named ``act·argument`` is named under its act, once: 提交评分（办理日期、评分）.
    """
    if not view.synthetic_fields:
        return ""
    acts: dict[str, list[str]] = {}
    for field in view.synthetic_fields:
        act, _, argument = field.partition("·")
        acts.setdefault(act, []).extend([argument] if argument else [])
    named = [
        sentence("paper.synthetic_act", {"act": act, "fields": "、".join(fields)}) if fields else act
        for act, fields in acts.items()
    ]
    separator = "；" if any(acts.values()) else "、"
    return sentence("paper.synthetic_fields", {"fields": separator.join(named)})


@dataclass(frozen=True)
class PaperKind:
    """A registry entry of a paper: the id callers use, its view, and its template file (suffix ``typ`` or ``html``)."""

    id: str
    view: type[Paper]
    template: str


@dataclass(frozen=True)
class LedgerKind:
    """A registry entry of a ledger: the id callers use, its view, the sheet's name and its columns."""

    id: str
    view: type[Ledger]
    sheet_name: str
    columns: tuple[Column, ...]
