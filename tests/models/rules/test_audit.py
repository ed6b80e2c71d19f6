"""Both receipts, from the right hands, on days that can be (ZY-31)."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.audit import (
    Handover,
    check_both_received,
    check_has_documents,
    check_not_prepared,
    check_receipt,
    missing_bodies,
)

DAY = date(2024, 9, 2)
ZUNYI = load_policy_book().resolve(region="520300", on=DAY)
HUANGSHI = load_policy_book().resolve(region="420200", on=date(2017, 6, 30))
FILED = Handover(filed_on=DAY, received=False)


def code_of(**changed: object) -> str | None:
    given: dict[str, object] = {
        "body": "audit_body",
        "filed": FILED,
        "role": Role.AUDIT_BODY,
        "received_on": DAY,
        "as_of": DAY,
        "policy": ZUNYI,
    }
    try:
        check_receipt(**(given | changed))  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.code
    return None


def test_receipt_of_the_body_itself_or_through_the_office_holds() -> None:
    assert code_of() is None
    assert code_of(role=Role.EVALUATION_OFFICE) is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"body": "finance_bureau"}, "audit.unknown_body"),
        ({"role": Role.DISCIPLINE_SUPERVISION}, "audit.not_the_body"),
        ({"filed": None}, "audit.not_prepared"),
        ({"filed": Handover(filed_on=DAY, received=True)}, "audit.receipt_recorded_already"),
        ({"received_on": date(2024, 9, 1)}, "audit.receipt_date"),
        ({"received_on": date(2024, 9, 3)}, "audit.receipt_date"),
    ],
)
def test_receipt_that_cannot_be_is_refused(changed: dict[str, object], code: str) -> None:
    assert code_of(**changed) == code


def test_closing_needs_both_receipts_and_names_the_missing_one() -> None:
    check_both_received(received=("audit_body", "discipline_supervision"), policy=ZUNYI)

    with pytest.raises(Refusal, match="纪委") as refused:
        check_both_received(received=("audit_body",), policy=ZUNYI)

    assert refused.value.rule == "ZY-31"
    assert missing_bodies(policy=ZUNYI, received=("audit_body",)) == ("discipline_supervision",)


def test_elsewhere_the_gate_is_ours_not_the_seed_s() -> None:
    with pytest.raises(Refusal) as refused:
        check_both_received(received=(), policy=HUANGSHI)

    assert refused.value.rule == "SYS-RECEIPTS"


def test_filing_happens_once_and_never_empty() -> None:
    check_not_prepared(prepared=())
    check_has_documents(count=1)

    with pytest.raises(Refusal):
        check_not_prepared(prepared=("audit_body",))
    with pytest.raises(Refusal):
        check_has_documents(count=0)
