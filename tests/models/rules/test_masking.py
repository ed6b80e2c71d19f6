"""Free text on an internal paper keeps its words and loses its personal numbers."""

from __future__ import annotations

import pytest

from models.core.errors import Refusal
from models.rules.masking import check_impersonal, redacted


def test_personal_numbers_are_blotted_out_and_the_rest_stands() -> None:
    text = redacted("请联系13912345678，编号A-12。")

    assert text == f"请联系{'＊' * 11}，编号A-12。"


def test_text_without_personal_numbers_stands_as_written() -> None:
    assert redacted("反映评分不公，见第3号。") == "反映评分不公，见第3号。"


def test_a_reason_with_a_personal_number_is_refused_and_a_document_number_is_not() -> None:
    """SYS-PERSONAL-DATA."""
    check_impersonal(reason="依据合成民函〔2016〕12号，2016年4月6日起变更。")
    with pytest.raises(Refusal) as refused:
        check_impersonal(reason="联系13912345678")
    assert refused.value.code == "kernel.reason_names_person"
