"""How synthetic fields are called in the footnote of a paper."""

from __future__ import annotations

import pytest

import models.commands.contract  # noqa: F401
from models.queries.provenance import field_label


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("contract.sign.price", "签订合同·合同金额"),
        ("contract.sign.ends_on", "签订合同·合同终止日期"),
        ("contract.sign.nothing", "签订合同·nothing"),
    ],
)
def test_a_field_is_called_by_its_name_without_the_guidance_behind_it(path: str, label: str) -> None:
    assert field_label(path) == label
