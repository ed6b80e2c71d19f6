"""Arguments that are wrong: always told in Chinese, by field, and never with the value."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core._pydantic_core import list_all_errors

from models.core.errors import Detail
from models.core.malformed import malformed
from models.core.validation import details_of, tidy, unfit

_ENGLISH = re.compile(r"[A-Za-z]{3}")


class _Colour(StrEnum):
    RED = "R"
    BLUE = "B"


def _details(kind: str | PydanticCustomError, context: dict[str, Any] | None = None) -> tuple[Detail, ...]:
    line: InitErrorDetails = {"type": kind, "loc": ("a",), "input": 1, "ctx": context or {}}
    return details_of(ValidationError.from_exception_data("x", [line]))


@pytest.mark.parametrize("known", list_all_errors(), ids=lambda known: known["type"])
def test_no_error_of_pydantic_speaks_english(known: dict[str, Any]) -> None:
    context: dict[str, Any] = dict(known.get("example_context") or {})
    if "error" in context:
        context["error"] = ValueError("something in English") if context["error"] is None else "something in English"

    (detail,) = _details(known["type"], context)

    assert detail.problem
    assert not _ENGLISH.search(detail.problem)


@pytest.mark.parametrize(
    ("annotation", "value", "wanted"),
    [
        (Annotated[Decimal, Field(max_digits=3)], "12345", "总共至多 3 位"),
        (Annotated[Decimal, Field(decimal_places=2)], "1.234", "至多 2 位"),
        (Decimal, "NaN", "有限的数字"),
        (Literal["甲", "乙", "丙"], "丁", "'甲'、'乙'、'丙'"),
        (_Colour, "G", "'R'、'B'"),
        (int | None, "x", "整数"),
    ],
)
def test_known_errors_say_what_was_expected(annotation: Any, value: object, wanted: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(annotation).validate_python(value)

    assert wanted in details_of(caught.value)[0].problem


def test_value_types_of_ours_keep_their_wording() -> None:
    raised = malformed("money.format")

    (detail,) = _details(raised)

    assert detail.problem == raised.message()


class _Inner(BaseModel):
    text: str


def _nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"a": "\ud800"}, "a"),
        ({"a": ["好", {"b": "x\x00y"}]}, "a.1.b"),
        ({"a": "x\x1by"}, "a"),
        ({"a": "x\x85y"}, "a"),
        ({"a": 2**63}, "a"),
        ({"a": -(2**63)}, "a"),
        ({"a": "字" * 100_001}, "a"),
        ({"a": {"\udcff": 1}}, "a.?"),
        ({"\x00": 1}, "?"),
        ({"a": _Inner(text="\x07")}, "a.text"),
    ],
)
def test_what_nothing_could_hold_is_named_by_its_place(arguments: dict[str, object], field: str) -> None:
    (detail,) = unfit(arguments)

    assert detail.field == field
    assert not _ENGLISH.search(detail.problem)


def test_nesting_is_followed_to_50_and_no_deeper() -> None:
    assert unfit({"a": _nested(49)}) == ()
    assert len(unfit({"a": _nested(50)})) == 1
    assert len(unfit({"a": _nested(100_000)})) == 1


def test_ordinary_text_and_numbers_pass() -> None:
    ordinary = {"a": "第一行\n第二行\t表\r\n𠮷·😀", "b": [2**63 - 1, True, None, 1.5], "c": {"名": "字" * 100_000}}

    assert unfit(ordinary) == ()


def test_texts_at_any_depth_lose_what_surrounds_them_unseen() -> None:
    given = {"a": " x ", "b": [{"c": "\u3000\u200b"}, ("\t y\ufeff",)], "d": 1, "e": {"f": None}}

    assert tidy(given) == {"a": "x", "b": [{"c": ""}, ("y",)], "d": 1, "e": {"f": None}}
