"""Money keeps every fen, refuses floats and silent rounding, and is worded in capitals."""

from __future__ import annotations

from decimal import Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from models.core.money import Money, capitals

AMOUNTS = st.integers(min_value=-(10**15), max_value=10**15).map(Money)
WEIGHTS = st.lists(st.one_of(st.integers(0, 10**6), st.decimals(0, 1000, places=4)), min_size=1, max_size=30).filter(
    lambda weights: any(weights)
)


@pytest.mark.parametrize(
    ("amount", "fen"),
    [
        ("12.34", 1234),
        ("12.3", 1230),
        ("-0.05", -5),
        ("0", 0),
        (12, 1200),
        (Decimal("1.50"), 150),
        (Decimal("1E+2"), 10000),
    ],
)
def test_yuan_reads_exact_amounts(amount: str | int | Decimal, fen: int) -> None:
    assert Money.yuan(amount) == Money(fen)


@pytest.mark.parametrize("amount", ["1.005", "1,000.00", "", "元", "1.", ".5", "１２", "1e3", " 1", "NaN", "9" * 19])
def test_yuan_refuses_texts_that_are_no_exact_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="金额写法不对") as caught:
        Money.yuan(amount)
    assert caught.value.type == "money.format"  # type: ignore[attr-defined]


@pytest.mark.parametrize("amount", [1.5, True, None, Decimal("1.005"), Decimal("NaN"), Decimal("Infinity")])
def test_yuan_refuses_floats_booleans_and_what_does_not_fit_a_fen(amount: object) -> None:
    with pytest.raises(ValueError, match="金额"):
        Money.yuan(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("fen", [1.0, True, "1"])
def test_money_holds_integers_only(fen: object) -> None:
    with pytest.raises(ValueError, match="金额"):
        Money(fen)  # type: ignore[arg-type]


def test_arithmetic_and_order() -> None:
    ten, three = Money.yuan(10), Money.yuan(3)
    assert ten + three == Money(1300)
    assert ten - three == Money(700)
    assert three - ten == -Money(700)
    assert ten * 3 == 3 * ten == Money(3000)
    assert abs(-ten) == ten
    assert three < ten <= ten
    assert max(three, ten) is ten
    assert Money.total([ten, three, three]) == Money(1600)
    assert Money.total([]) == Money.ZERO
    assert not Money.ZERO


@pytest.mark.parametrize("other", [1, 1.0, Decimal(1), "1"])
def test_money_does_not_mix_with_bare_numbers(other: object) -> None:
    with pytest.raises(TypeError):
        Money(1) + other  # type: ignore[operator]
    with pytest.raises(TypeError):
        Money(1) < other  # type: ignore[operator]  # noqa: B015


def test_money_does_not_multiply_by_fractions() -> None:
    with pytest.raises(TypeError):
        Money(100) * Decimal("0.3")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("fen", "ratio", "share"),
    [
        (1, "0.5", 1),
        (1, "0.49", 0),
        (-1, "0.5", -1),
        (333, "0.3", 100),
        (10**15 + 1, "0.5", 5 * 10**14 + 1),
        (0, "0.3", 0),
    ],
)
def test_share_rounds_half_up_away_from_zero(fen: int, ratio: str, share: int) -> None:
    assert Money(fen).share(Decimal(ratio)) == Money(share)


def test_exceeds_compares_without_rounding() -> None:
    limit, total = Decimal("0.3"), Money(101)  # 30.3 fen
    assert not Money(30).exceeds(ratio=limit, of=total)
    assert Money(31).exceeds(ratio=limit, of=total)
    assert not Money(30).exceeds(ratio=limit, of=Money(100))


def test_share_refuses_a_float_ratio() -> None:
    with pytest.raises(ValueError, match="浮点数"):
        Money(100).share(0.3)  # type: ignore[arg-type]


def test_allocate_gives_leftover_fen_to_the_largest_remainder_then_to_the_first() -> None:
    assert Money(100).allocate([1, 1, 1]) == (Money(34), Money(33), Money(33))
    assert Money(100).allocate([Decimal("0.295"), Decimal("0.705")]) == (Money(30), Money(70))
    assert Money(5).allocate([0, 1, 0, 2]) == (Money(0), Money(2), Money(0), Money(3))
    assert Money(-100).split(3) == (Money(-34), Money(-33), Money(-33))


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [3, -1]])
def test_allocate_refuses_weights_that_divide_nothing(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100).allocate(weights)


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_allocate_loses_nothing_and_stays_within_a_fen(amount: Money, weights: list[int | Decimal]) -> None:
    parts = amount.allocate(weights)

    assert Money.total(parts) == amount
    whole = sum(Decimal(weight) for weight in weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.fen * whole - amount.fen * Decimal(weight)) < whole * Decimal("1.000001")
        assert weight or not part
    again = amount.allocate(weights)
    assert again == parts


@given(amount=AMOUNTS, first=st.integers(0, 1000), second=st.integers(0, 1000))
def test_allocate_never_gives_the_smaller_weight_more(amount: Money, first: int, second: int) -> None:
    if first == second == 0:
        return
    parts = amount.allocate([first, second])
    if first > second:
        assert abs(parts[0]) >= abs(parts[1])


@given(amount=AMOUNTS, parts=st.integers(1, 200))
def test_split_differs_by_at_most_one_fen(amount: Money, parts: int) -> None:
    split = amount.split(parts)
    assert Money.total(split) == amount
    assert max(split).fen - min(split).fen <= 1


@given(left=AMOUNTS, right=AMOUNTS)
def test_order_and_sums_follow_the_fen(left: Money, right: Money) -> None:
    assert (left < right) == (left.fen < right.fen)
    assert (left + right) - right == left
    assert hash(left) == hash(Money(left.fen))


@given(amount=AMOUNTS)
def test_plain_and_decimal_read_back(amount: Money) -> None:
    assert Money.yuan(amount.plain().replace(",", "")) == amount
    assert Money.yuan(amount.decimal()) == amount


@pytest.mark.parametrize(
    ("fen", "text"), [(68_000_000, "680,000.00"), (5, "0.05"), (-123456, "-1,234.56"), (0, "0.00")]
)
def test_plain_prints_yuan_with_separators(fen: int, text: str) -> None:
    assert Money(fen).plain() == text == str(Money(fen))


class _Line(BaseModel):
    price: Money


def test_json_reads_fen_or_yuan_text_and_writes_fen() -> None:
    assert _Line.model_validate_json('{"price": 68000000}').price == Money.yuan("680000.00")
    assert _Line.model_validate_json('{"price": "680000.00"}').price == Money.yuan(680000)
    assert _Line(price=Money(12)).model_dump_json() == '{"price":12}'
    assert _Line(price=Money(12)).model_dump() == {"price": 12}


@pytest.mark.parametrize("price", ["1.5", "true", "null", '"680,000.00"', "[]", "1e2"])
def test_json_refuses_floats_and_other_types(price: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Line.model_validate_json(f'{{"price": {price}}}')
    assert next(error["type"] for error in caught.value.errors()).startswith("money.")


def test_json_schema_names_the_unit() -> None:
    adapter = TypeAdapter(Money)
    assert adapter.json_schema(mode="serialization") == {"type": "integer", "description": "amount in fen"}
    reading = adapter.json_schema()
    assert "amount in fen" in reading["description"]
    assert [option["type"] for option in reading["anyOf"]] == ["integer", "string"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "零元整"),
        ("680000", "陆拾捌万元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("1.05", "壹元零伍分"),
        ("1.50", "壹元伍角整"),
        ("10", "壹拾元整"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("100010.00", "壹拾万零壹拾元整"),
        ("1000000000001", "壹万亿零壹元整"),
        ("5800009098.16", "伍拾捌亿零玖仟零玖拾捌元壹角陆分"),
        ("-12.34", "负壹拾贰元叁角肆分"),
    ],
)
def test_capitals(amount: str, text: str) -> None:
    assert capitals(Money.yuan(amount)) == text


def test_capitals_refuses_what_it_cannot_word() -> None:
    assert capitals(Money.yuan("9999999999999999")).startswith("玖仟玖佰玖拾玖万玖仟")
    with pytest.raises(ValueError, match="大写"):
        capitals(Money.yuan("10000000000000000"))


@given(fen=st.integers(min_value=0, max_value=10**14))
def test_capitals_agree_with_an_independent_library(fen: int) -> None:
    """cn2an drops 零 after 亿 when the 万 group is empty and the last one full, and never writes 整 after 角."""
    whole = fen // 100
    ours = capitals(Money(fen))
    theirs = cn2an.an2cn(f"{whole}.{fen % 100:02d}", "rmb")
    if theirs.endswith("角"):
        theirs += "整"
    if whole >= 10**8 and whole // 10**4 % 10**4 == 0 and whole % 10**4 >= 1000:
        theirs = theirs.replace("亿", "亿零")
    assert ours == theirs
