"""How one cell reads as the kind its column has."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.quality.cells import reader
from infra.quality.table import Field, value_class
from models.core.messages import catalogue
from reports.columns import Choice
from tests.infra.quality.ledgers import AS_OF

CHOICES = (Choice("yes", "是"), Choice("no", "否"))
KINDS = ("text", "code", "date", "int", "id_card", "phone", "yesno", "money", "credit_code")


def read(kind: str, value: object, *, many: bool = False) -> tuple[object, str]:
    return reader(Field("f", "栏目", kind, CHOICES if kind in ("code", "yesno") else (), many), as_of=AS_OF)(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", " 甲街 ", ("甲街", "")),
        ("text", 12.0, ("12", "")),
        ("text", 3.5, ("3.5", "")),
        ("text", "3E12", ("3E12", "")),
        ("text", 1e15, (None, "gate.cell.digits_lost")),
        ("text", "4.2E+17", (None, "gate.cell.digits_lost")),
        ("text", time(8, 30), (None, "gate.cell.not_text")),
        ("text", ["a"], (None, "gate.cell.not_text")),
        ("date", datetime(2016, 2, 5, 9, 30), (date(2016, 2, 5), "")),  # noqa: DTZ001
        ("date", 42_405.0, (None, "gate.cell.date")),
        ("date", "2016-02-30", (None, "gate.cell.no_such_day")),
        ("date", timedelta(1), (None, "gate.cell.not_text")),
        ("int", "１２", (12, "")),
        ("int", "-1", (None, "gate.cell.int")),
        ("int", 1.5, (None, "gate.cell.int")),
        ("yesno", True, (True, "")),
        ("yesno", "no", (False, "")),
        ("yesno", "maybe", (None, "gate.cell.choice")),
        ("money", 0.1 + 0.2, (30, "")),  # Excel shows 0.3; the rest is binary noise
        ("money", "500,000.00", (50_000_000, "")),
        ("money", Decimal("1.5"), (150, "")),
        ("money", 1.005, (None, "money.format")),
        ("money", True, (None, "money.format")),
        ("phone", "138 0000 0000", ("13800000000", "")),
        ("phone", "138", ("138", "phone.shape")),
        ("phone", 13800000000.0, ("13800000000", "")),
        ("credit_code", "52420200mjh000000y", ("52420200MJH000000Y", "")),
        ("id_card", 123.0, (None, "gate.cell.digits_lost")),
    ],
)
def test_a_cell_reads_as_its_kind_or_says_why_not(kind: str, value: Any, expected: tuple[object, str]) -> None:
    """Values and fault codes, one cell at a time."""
    assert read(kind, value) == expected


def test_several_choices_in_one_cell_keep_their_order_and_count_once() -> None:
    """Separators of all sorts; an empty cell is no choice, an unknown one spoils the cell."""
    assert read("code", "否、是，否; 是", many=True) == (("no", "yes"), "")
    assert read("code", "", many=True) == ((), "")
    assert read("code", "是、也许", many=True) == (None, "gate.cell.choice")


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.lists(st.integers(), max_size=2),
    st.text(alphabet="0123456789.-/年月日Ee+Xx ", max_size=20),
)


@pytest.mark.parametrize("kind", KINDS)
@given(value=CELLS)
def test_no_cell_crashes_the_reader_or_vanishes(kind: str, value: object) -> None:
    """Whatever stands in a cell is read, blank, or told with a code of the catalogue; the class never quotes it."""
    found, fault = read(kind, value)

    assert fault == "" or catalogue()[fault]["text"]
    if found is None and not fault:
        assert value is None or (isinstance(value, str) and not value.strip())
    assert len(value_class(value)) <= 24
