"""The report's chapters, the balance table, the register of risks, and what a report rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.rules.feasibility_report import (
    BalanceLine,
    Basis,
    Risk,
    balance_warnings,
    check_balance,
    check_basis,
    check_chapters,
    check_risks,
    outline_of,
)

BOOK = load_policy_book()
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 3, 1))
HUANGSHI = BOOK.resolve(region="420200", on=date(2016, 3, 1))
CHAPTERS = {code: f"{title}(合成)" for code, title in ZUNYI.feasibility.report_chapters.items()}
LINE = BalanceLine(2025, "local_budget", Money(300), {"人员": Money(100), "活动": Money(200)})
RISK = Risk("人员流动(合成)", "low", "high", "储备人员", "项目部")
BASIS = Basis(appraisal="positive", balance=True, risks=True, major=False, stability="")


def _refused(call: object, **arguments: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(**arguments)  # type: ignore[operator]
    return caught.value


def test_a_report_with_every_chapter_of_the_outline_holds() -> None:
    """ZY-61."""
    check_chapters(chapters=CHAPTERS, policy=ZUNYI)


def test_missing_empty_and_unknown_chapters_are_named_at_once() -> None:
    wrong = {code: text for code, text in CHAPTERS.items() if code != "overview"} | {"risks": " ", "poem": "诗"}

    refused = _refused(check_chapters, chapters=wrong, policy=ZUNYI)

    assert (refused.code, refused.rule) == ("feasibility.chapters_wrong", "ZY-61")
    outline = ZUNYI.feasibility.report_chapters
    assert [detail.field for detail in refused.details] == [outline["overview"], outline["risks"], "poem"]


def test_the_outline_is_pinned_by_source_and_digest() -> None:
    now, before = outline_of(policy=ZUNYI), outline_of(policy=HUANGSHI)

    assert "304" in now.source
    assert (now.since, before.since) == ("2023-05-01", "2015-03-01")
    assert now.digest == before.digest  # the same chapters, known from elsewhere before


def test_a_year_whose_sources_equal_its_uses_balances_over_several_lines() -> None:
    more = (replace(LINE, uses={}), replace(LINE, sources=Money.ZERO, uses={"人员": Money(300)}))

    check_balance(lines=(LINE, *more, replace(LINE, year=2026)), policy=ZUNYI)


def test_each_uneven_year_and_channel_is_named_with_its_difference() -> None:
    """ZY-64; what one channel lacks another does not make up for."""
    first, second = tuple(ZUNYI.funding.sources)[:2]
    lines = (
        LINE,
        replace(LINE, year=2026, channel=first, sources=Money(299)),
        replace(LINE, year=2026, channel=second, sources=Money(301)),
    )

    refused = _refused(check_balance, lines=lines, policy=ZUNYI)

    assert (refused.code, refused.rule) == ("feasibility.balance_uneven", "ZY-64")
    assert all("2026" in str(detail.field) for detail in refused.details)
    assert sorted(detail.problem.rpartition("相差 ")[2] for detail in refused.details) == ["-0.01 元", "0.01 元"]


def test_unknown_channels_and_negative_amounts_are_refused() -> None:
    stranger = _refused(check_balance, lines=(replace(LINE, channel="lottery_win"),), policy=ZUNYI)
    negative = _refused(check_balance, lines=(replace(LINE, uses={"退": Money(-1), "人": Money(301)}),), policy=ZUNYI)

    assert (stranger.code, negative.code) == ("feasibility.channel_unknown", "feasibility.amount_negative")


@given(
    uses=st.lists(st.integers(min_value=0, max_value=10**15), max_size=6),
    off=st.integers(min_value=-5, max_value=5),
)
def test_a_table_balances_exactly_when_not_a_fen_is_missing(uses: list[int], off: int) -> None:
    sources = max(sum(uses) + off, 0)
    line = BalanceLine(2025, "local_budget", Money(sources), {f"{n}": Money(fen) for n, fen in enumerate(uses)})

    if sources == sum(uses):
        check_balance(lines=(line,), policy=ZUNYI)
    else:
        assert Money(sources - sum(uses)).plain() in _refused(check_balance, lines=(line,), policy=ZUNYI).message


def test_a_table_that_differs_from_the_application_is_warned_of_by_channel() -> None:
    assert balance_warnings(lines=(LINE,), applied={"local_budget": Money(300)}, policy=ZUNYI) == ()
    assert balance_warnings(lines=(), applied={"local_budget": Money(300)}, policy=ZUNYI) == ()

    (warning,) = balance_warnings(lines=(LINE,), applied={"local_budget": Money(299)}, policy=ZUNYI)

    assert "3.00" in warning
    assert "2.99" in warning


def test_a_register_with_every_field_filled_holds() -> None:
    check_risks(risks=(RISK,), policy=ZUNYI)


def test_blank_fields_and_unknown_levels_of_all_risks_are_named_at_once() -> None:
    refused = _refused(
        check_risks, risks=(replace(RISK, measure=" ", impact="huge"), replace(RISK, owner="")), policy=ZUNYI
    )

    assert (refused.code, refused.rule) == ("feasibility.risks_incomplete", "ZY-64")
    assert len(refused.details) == 3


def test_a_report_rests_on_a_positive_appraisal() -> None:
    """ZY-66."""
    check_basis(basis=BASIS, policy=ZUNYI)
    for outcome in (None, "negative"):
        refused = _refused(check_basis, basis=replace(BASIS, appraisal=outcome), policy=ZUNYI)
        assert (refused.code, refused.rule) == ("feasibility.not_appraised", "ZY-66")


def test_the_tables_and_a_major_projects_stability_annex_are_asked_for_at_once() -> None:
    """ZY-64, ZY-65."""
    bare = replace(BASIS, balance=False, risks=False, major=True)

    assert [detail.rule for detail in _refused(check_basis, basis=bare, policy=ZUNYI).details] == [
        "ZY-64",
        "ZY-64",
        "ZY-65",
    ]
    check_basis(basis=replace(BASIS, major=True, stability="风险等级为低(合成)"), policy=ZUNYI)
    check_basis(basis=bare, policy=HUANGSHI)
