"""Made-up ledgers: counts as published, nobody real, the same each time."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from models.core.identifiers import parse_id_card
from models.rules.synthetic import HUANGSHI, SYNTHETIC_ID_PREFIX, synthetic_ledger
from reports.needs import NEEDS_COLUMNS

AS_OF = date(2016, 3, 1)


def ledger(people: int, *, seed: int = 1, as_of: date = AS_OF) -> list[dict[str, object]]:
    return list(synthetic_ledger(people=people, seed=seed, as_of=as_of, region_code="420200"))


def age(row: dict[str, object]) -> int:
    born = row["birth_date"]
    assert isinstance(born, date)
    return AS_OF.year - born.year - ((AS_OF.month, AS_OF.day) < (born.month, born.day))


def test_17000_people_have_huangshis_published_counts_and_fill_each_stratum() -> None:
    """domain.md §5.1: ≥3,500 aged 60 or older, 5,190 disabled, 3,490 minors, 972 severely ill; four strata of 100."""
    rows = ledger(17_000)

    assert len(rows) == 17_000
    assert 3_500 <= sum(age(row) >= 60 for row in rows) < 3_600
    assert sum(bool(row["disabled"]) for row in rows) == 5_190
    assert sum(age(row) < 18 for row in rows) == 3_490
    assert sum(bool(row["severely_ill"]) for row in rows) == 972
    assert sum(bool(row["lives_alone"]) and age(row) >= 60 for row in rows) >= 100
    assert sum(bool(row["single_parent_student"]) and age(row) < 18 for row in rows) >= 100
    assert any(row["disabled"] and row["severely_ill"] for row in rows)


def test_nobody_can_be_taken_for_a_real_person() -> None:
    """Valid numbers of a region that does not exist, 合成 in every name, no phone number, all distinct."""
    rows = ledger(3_000)

    for row in rows:
        card = parse_id_card(str(row["id_number"]), as_of=AS_OF)
        assert card.region_hint == SYNTHETIC_ID_PREFIX
        assert card.birth == row["birth_date"]
        assert (int(card.number[16]) % 2 == 1) == (row["sex"] == "male")
        assert str(row["person_name"]).startswith("合成")
        assert str(row["assessor"]).startswith("合成")
        assert row["phone"] is None
    assert len({row["id_number"] for row in rows}) == len({row["person_name"] for row in rows}) == 3_000


def test_households_hold_one_to_five_and_agree_with_the_flags() -> None:
    """One street a household, minors with an adult, who lives alone is the only one."""
    rows = ledger(3_000)
    households: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        households.setdefault(row["household_no"], []).append(row)

    for members in households.values():
        assert 1 <= len(members) <= 5
        assert len({member["street"] for member in members}) == 1
        assert any(age(member) >= 18 for member in members)
        assert all(member["lives_alone"] == (len(members) == 1) for member in members)
    assert len(Counter(len(members) for members in households.values())) == 5


def test_equal_arguments_give_equal_people_and_another_seed_gives_others() -> None:
    """Deterministic by seed."""
    assert ledger(200) == ledger(200)
    assert ledger(200) != ledger(200, seed=2)


@pytest.mark.parametrize("people", [0, 1, 2, 3, 7, 50, 999])
def test_any_number_of_people_can_be_made(people: int) -> None:
    """Small ledgers keep the shape as far as whole people allow."""
    rows = ledger(people, as_of=date(2016, 2, 29))

    assert len(rows) == people
    assert sum(bool(row["disabled"]) for row in rows) == HUANGSHI.scaled(people=people).disabled


def test_rows_have_the_columns_and_codes_of_the_needs_ledger() -> None:
    """Every key is a column; every code is in its dictionary."""
    for row in ledger(500):
        assert list(row) == [column.key for column in NEEDS_COLUMNS]
        for column in NEEDS_COLUMNS:
            if column.kind == "code":
                value = row[column.key]
                codes = value if isinstance(value, tuple) else (value,)
                assert set(codes) <= {choice.code for choice in column.choices}


def test_a_negative_number_of_people_is_refused() -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="negative"):
        ledger(-1)
