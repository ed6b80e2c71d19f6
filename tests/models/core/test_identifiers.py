"""Identifiers: what is accepted, what is refused without repeating it, what each audience reads, what would leak.

All numbers of persons are synthetic (合成) or published examples.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from models.core.identifiers import (
    Audience,
    DocumentNumber,
    Leak,
    LeakKind,
    OrganisationType,
    find_leaks,
    mask_bank_card,
    mask_id_card,
    mask_name,
    mask_phone,
    parse_credit_code,
    parse_document_number,
    parse_id_card,
    parse_phone,
)
from models.core.messages import sentence

AS_OF = date(2026, 11, 22)
EXAMPLE_ID = "11010519491231002X"  # the example of GB 11643


def synthetic_id(region: str, birth: str, sequence: str) -> str:
    """Return a synthetic ID number with a right check place, computed the long way round."""
    body = region + birth + sequence
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def synthetic_card(body: str) -> str:
    """Return a synthetic card number: ``body`` and the digit that satisfies Luhn."""
    for digit in "0123456789":
        folded = [int(place) for place in reversed(body + digit)]
        if sum(folded[0::2] + [place * 2 - 9 * (place > 4) for place in folded[1::2]]) % 10 == 0:
            return body + digit
    raise AssertionError("unreachable")


CARD = synthetic_card("622202123456789012")


def test_id_card_tells_birth_and_region_hint_and_keeps_its_number_out_of_repr() -> None:
    card = parse_id_card(" 11010519491231002x ", as_of=AS_OF)
    assert (card.number, card.birth, card.region_hint) == (EXAMPLE_ID, date(1949, 12, 31), "110105")
    assert "1949" not in repr(card)


@pytest.mark.parametrize("region", ["441900", "440524", "330204", "810000", "820000", "830000"])
def test_id_card_regions_are_hints_only(region: str) -> None:
    number = synthetic_id(region, "19800101", "001")
    assert parse_id_card(number, as_of=AS_OF).region_hint == region


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("1101051949123100", "id_card.shape"),
        ("110105194912310021X", "id_card.shape"),
        ("1101051949123100AX", "id_card.shape"),
        ("１１０１０５19491231002X", "id_card.shape"),
        ("", "id_card.shape"),
        (synthetic_id("110105", "20991231", "002"), "id_card.birth"),
        (synthetic_id("110105", "18000101", "002"), "id_card.birth"),
        (synthetic_id("110105", "20230229", "002"), "id_card.birth"),
        (synthetic_id("110105", "20261123", "002"), "id_card.birth"),
        ("110105194912310021", "id_card.check"),
    ],
)
def test_id_card_is_refused_without_repeating_it(number: str, code: str) -> None:
    with pytest.raises(ValueError, match="身份证号") as caught:
        parse_id_card(number, as_of=AS_OF)
    assert caught.value.type == code  # type: ignore[attr-defined]
    assert not number or number not in str(caught.value)


def test_id_card_of_somebody_born_today_is_valid() -> None:
    assert parse_id_card(synthetic_id("420200", "20261122", "003"), as_of=AS_OF).birth == AS_OF


@given(
    region=st.integers(110000, 829999).map(str),
    birth=st.dates(date(1900, 1, 1), AS_OF),
    sequence=st.integers(0, 999).map(lambda number: f"{number:03d}"),
    place=st.integers(0, 16),
    shift=st.integers(1, 9),
)
def test_id_card_check_place_catches_every_wrong_digit(
    region: str, birth: date, sequence: str, place: int, shift: int
) -> None:
    number = synthetic_id(region, f"{birth:%Y%m%d}", sequence)
    assert parse_id_card(number, as_of=AS_OF).birth == birth
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    with pytest.raises(ValueError, match="身份证号"):
        parse_id_card(wrong, as_of=AS_OF)


def test_credit_code_reads_lower_case_and_tells_the_type() -> None:
    code = parse_credit_code(" 91110000600037341l ")
    assert code.code == "91110000600037341L"
    assert code.organisation_type is OrganisationType.ENTERPRISE


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("51", OrganisationType.ASSOCIATION),
        ("52", OrganisationType.PRIVATE_NON_PROFIT),
        ("53", OrganisationType.FOUNDATION),
        ("12", OrganisationType.INSTITUTION),
        ("91", OrganisationType.ENTERPRISE),
        ("93", OrganisationType.OTHER),
    ],
)
def test_credit_code_prefix_names_the_organisation_type(prefix: str, kind: OrganisationType) -> None:
    body = f"{prefix}420200MJ1234567"
    assert parse_credit_code(body + uscc.calc_check_digit(body)).organisation_type is kind


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("91110000600037341I", "credit_code.shape"),
        ("9111000060003734", "credit_code.shape"),
        ("91A10000600037341L", "credit_code.shape"),
        ("", "credit_code.shape"),
        ("91110000600037341M", "credit_code.check"),
    ],
)
def test_credit_code_is_refused(code: str, fault: str) -> None:
    with pytest.raises(ValueError, match="统一社会信用代码") as caught:
        parse_credit_code(code)
    assert caught.value.type == fault  # type: ignore[attr-defined]


@given(code=st.from_regex(r"[159][1239][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}", fullmatch=True))
def test_credit_codes_agree_with_an_independent_library(code: str) -> None:
    """The library wants eight leading digits; ours also lets letters lead, as the alphabet of the code allows."""
    for candidate in (code, code[:17] + uscc.calc_check_digit(code[:17])):
        try:
            ours = parse_credit_code(candidate).code == candidate
        except ValueError:
            ours = False
        assert ours == uscc.is_valid(candidate)


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13812345678", "13812345678"),
        ("138 1234 5678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("0714-6234567", "0714-6234567"),
        ("01062345678", "010-62345678"),
        ("0714 6234567", "0714-6234567"),
    ],
)
def test_phone_is_normalised(text: str, phone: str) -> None:
    assert parse_phone(text) == phone


@pytest.mark.parametrize("text", ["", "12812345678", "1381234567", "6234567", "0714-123", "138123456789", "电话"])
def test_phone_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="电话"):
        parse_phone(text)


@pytest.mark.parametrize("text", ["滨民发〔2026〕38号", "民函〔2024〕46号", "国办发明电〔2025〕7号"])
def test_document_number_reads_back(text: str) -> None:
    number = parse_document_number(text)
    assert str(number) == text
    assert DocumentNumber(number.authority, number.year, number.serial) == number


@pytest.mark.parametrize(
    "text",
    [
        "滨民发[2026]38号",
        "滨民发〔2026〕038号",
        "滨民发〔26〕38号",
        "〔2026〕38号",
        "滨民发〔2026〕38",
        "滨民发（2026）38号",
    ],
)
def test_document_number_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="文号"):
        parse_document_number(text)


def test_document_number_cannot_be_built_out_of_shape() -> None:
    with pytest.raises(ValueError, match="文号"):
        DocumentNumber("滨民发", 2026, 0)


@pytest.mark.parametrize(
    ("name", "public", "internal"),
    [
        ("张三", "张*", "张*"),
        ("张小三", "张*", "张*三"),
        ("欧阳娜", "欧阳*", "欧阳*"),
        ("欧阳小娜", "欧阳*", "欧阳*娜"),
        ("东方", "东*", "东*"),
        ("买买提·吐尔逊", "买*", "买买提·**"),
        ("买买提•吐尔逊", "买*", "买买提•**"),
        ("古丽巴热", "古*", "古**热"),
        ("𠮷田花", "𠮷*", "𠮷*花"),
        (" 王明 ", "王*", "王*"),
        ("王", "*", "*"),
        ("", "", ""),
    ],
)
def test_names_are_masked_for_their_audience(name: str, public: str, internal: str) -> None:
    assert mask_name(name, audience=Audience.PUBLIC) == public
    assert mask_name(name, audience=Audience.INTERNAL) == internal


def test_numbers_are_masked_internally_and_absent_in_public() -> None:
    assert mask_id_card(EXAMPLE_ID, audience=Audience.INTERNAL) == "110***********002X"
    assert mask_phone("13812345678", audience=Audience.INTERNAL) == "138****5678"
    assert mask_bank_card(CARD, audience=Audience.INTERNAL) == "*" * 15 + CARD[-4:]
    for mask in (mask_id_card, mask_phone, mask_bank_card):
        assert mask(EXAMPLE_ID, audience=Audience.PUBLIC) == ""
        assert mask("1234567", audience=Audience.INTERNAL) == "*" * 7


@given(name=st.text(alphabet="张王李欧阳司马小明花·", min_size=2, max_size=8), audience=st.sampled_from(Audience))
def test_a_masked_name_always_hides_something(name: str, audience: Audience) -> None:
    masked = mask_name(name, audience=audience)
    assert "*" in masked
    assert masked != name


def _found(text: str) -> list[tuple[LeakKind, str]]:
    return [(leak.kind, text[leak.start : leak.end]) for leak in find_leaks(text)]


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        (f"身份证号{EXAMPLE_ID}。", LeakKind.ID_CARD, EXAMPLE_ID),
        (f"ID{EXAMPLE_ID.lower()}", LeakKind.ID_CARD, EXAMPLE_ID.lower()),
        ("号码 110105 19491231 002X 已核", LeakKind.ID_CARD, "110105 19491231 002X"),
        ("110105194912\n31002X", LeakKind.ID_CARD, "110105194912\n31002X"),
        (" ".join(EXAMPLE_ID), LeakKind.ID_CARD, " ".join(EXAMPLE_ID)),
        ("１１０１０５１９４９１２３１００２Ｘ", LeakKind.ID_CARD, "１１０１０５１９４９１２３１００２Ｘ"),
        ("电话138 1234 5678转", LeakKind.MOBILE, "138 1234 5678"),
        ("138-1234-5678", LeakKind.MOBILE, "138-1234-5678"),
        ("+86 13812345678", LeakKind.MOBILE, "86 13812345678"),
        ("8613812345678", LeakKind.MOBILE, "8613812345678"),
        ("13812\n345678", LeakKind.MOBILE, "13812\n345678"),
        (f"卡号{CARD}", LeakKind.BANK_CARD, CARD),
        (
            f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}",
            LeakKind.BANK_CARD,
            f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}",
        ),
    ],
)
def test_planted_numbers_are_found_where_they_stand(text: str, kind: LeakKind, place: str) -> None:
    assert _found(text) == [(kind, place)]


def test_neighbouring_numbers_are_found_one_by_one() -> None:
    text = f"王* {EXAMPLE_ID} 13812345678\n李* {CARD}"
    assert _found(text) == [
        (LeakKind.ID_CARD, EXAMPLE_ID),
        (LeakKind.MOBILE, "13812345678"),
        (LeakKind.BANK_CARD, CARD),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "项目编号 20260700100000017",
        "110105194912310021",  # wrong check place
        "统一社会信用代码 91110000600037341L",
        "摘要 a13812345678f0e1d2c3b4a5968778695a4b3c2d1e0f13812345678abcdef0123",
        "序号 18 2026 09 24 5",
        "金额 680,000.00 元,17000 人,2016-03-01",
        "联系电话 0714-6234567",
        CARD[:-1] + str((int(CARD[-1]) + 1) % 10),  # wrong check place
        "110***********002X 138****5678",
        "13812345678901234567890",
    ],
)
def test_harmless_figures_are_no_finding(text: str) -> None:
    assert find_leaks(text) == []


def test_a_leak_holds_places_and_no_value() -> None:
    (leak,) = find_leaks(f"证件 {EXAMPLE_ID}")
    assert leak == Leak(LeakKind.ID_CARD, 3, 21)
    assert re.search(r"\d{6}", repr(leak)) is None
    assert sentence(f"leak.{leak.kind}") == "身份证号"


@given(
    birth=st.dates(date(1900, 1, 1), AS_OF),
    sequence=st.integers(0, 999),
    cuts=st.sets(st.integers(1, 17)),
    gap=st.sampled_from([" ", "\n", "  ", "\u3000", "\r\n"]),
)
def test_no_break_hides_an_id_number(birth: date, sequence: int, cuts: set[int], gap: str) -> None:
    number = synthetic_id("420202", f"{birth:%Y%m%d}", f"{sequence:03d}")
    broken = "".join(gap + place if index in cuts else place for index, place in enumerate(number))
    assert _found(f"名单:{broken};") == [(LeakKind.ID_CARD, broken)]


@given(days=st.lists(st.integers(0, 4000), min_size=1, max_size=40))
def test_columns_of_dates_and_counts_are_no_finding(days: list[int]) -> None:
    rows = [f"{index + 1} {date(2015, 1, 1) + timedelta(days=offset)} {offset}" for index, offset in enumerate(days)]
    assert not [leak for leak in find_leaks("\n".join(rows)) if leak.kind is not LeakKind.ID_CARD]
