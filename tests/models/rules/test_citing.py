"""A rule id on paper names its source and article; a civil servant reads no code alone."""

from __future__ import annotations

import pytest

from models.rules.citing import written_clause


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        ("HS-05", "黄石案例二(一)（HS-05）"),
        ("LAW-ZFCG-36", "《政府采购法》第36条"),
        ("LAW-ZFCGTL-43", "《政府采购法实施条例》第43条"),
        ("SYS-CHAIN", "系统运行规则"),
    ],
)
def test_rule_id_is_written_with_its_source(rule: str, written: str) -> None:
    assert written_clause(rule) == written


def test_unknown_source_is_a_bug() -> None:
    with pytest.raises(KeyError):
        written_clause("LAW-NIEMAND-1")
