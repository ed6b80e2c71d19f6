"""Free text on an internal paper keeps its words and loses its personal numbers."""

from __future__ import annotations

from models.rules.masking import redacted


def test_personal_numbers_are_blotted_out_and_the_rest_stands() -> None:
    text = redacted("请联系13912345678，编号A-12。")

    assert text == f"请联系{'＊' * 11}，编号A-12。"


def test_text_without_personal_numbers_stands_as_written() -> None:
    assert redacted("反映评分不公，见第3号。") == "反映评分不公，见第3号。"
