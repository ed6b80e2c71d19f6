"""Signing the final opinion: how many, who, when it cannot stand."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.review_signing import (
    cannot_stand,
    check_act,
    check_not_yet,
    check_opinion_there,
    check_same_opinion,
    signatures_needed,
)

BOOK = load_policy_book()


@pytest.mark.parametrize(("region", "needed"), [("520300", 5), ("420200", 0), ("350503", 0)])
def test_a_quorum_signs_where_the_rule_binds_and_nobody_elsewhere(region: str, needed: int) -> None:
    assert signatures_needed(policy=BOOK.resolve(region=region, on=date(2025, 3, 3))) == needed


@pytest.mark.parametrize(
    ("sitting", "refused", "needed", "void"),
    [(5, 0, 5, False), (5, 1, 5, True), (7, 2, 5, False), (7, 3, 5, True), (5, 0, 0, False), (4, 0, 5, False)],
)
def test_an_opinion_falls_when_the_others_cannot_make_the_quorum(
    sitting: int, refused: int, needed: int, void: bool
) -> None:
    assert cannot_stand(sitting=sitting, refused=refused, needed=needed) is void


def test_who_may_sign_what_is_told_by_the_code() -> None:
    for code, given in (
        ("review.dissent_is_signed", {"by_office": False, "refusal": "不签", "dissent": "异议", "overdue": False}),
        ("review.signed_by_another", {"by_office": True, "refusal": "", "dissent": "", "overdue": True}),
        ("review.not_overdue", {"by_office": True, "refusal": "逾期", "dissent": "", "overdue": False}),
    ):
        with pytest.raises(Refusal) as refused:
            check_act(**given)  # type: ignore[arg-type]
        assert (refused.value.code, refused.value.rule) == (code, "ZY-23")
    check_act(by_office=True, refusal="逾期", dissent="", overdue=True)
    check_act(by_office=False, refusal="", dissent="异议", overdue=False)


def test_only_the_filed_opinion_is_signed_and_once() -> None:
    check_opinion_there(filed=True, needed=5)
    check_same_opinion(given="AB ", filed="ab")
    check_not_yet(signed=False, refused=True, refusing=False)
    with pytest.raises(Refusal, match="尚未出具"):
        check_opinion_there(filed=False, needed=5)
    with pytest.raises(Refusal, match="不一致"):
        check_same_opinion(given="ab", filed="cd")
    for signed, refused, refusing in ((True, False, False), (True, False, True), (False, True, True)):
        with pytest.raises(Refusal, match="已经办理过"):
            check_not_yet(signed=signed, refused=refused, refusing=refusing)
