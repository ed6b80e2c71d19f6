"""Which rules bind where, and which strengths block at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.force import binding, is_binding


def _policy(region: str) -> Policy:
    return load_policy_book().resolve(region=region, on=date(2025, 4, 1))


@pytest.mark.parametrize(
    ("region", "rule", "binds"),
    [
        ("420200", "HS-14", True),
        ("520300", "HS-14", False),
        ("520300", "ZY-44", True),
        ("420200", "ZY-44", False),
        ("420200", "LAW-ZFCG-36", True),
        ("520300", "SYS-STATE", True),
    ],
)
def test_a_rule_binds_at_home_and_the_law_everywhere(region: str, rule: str, binds: bool) -> None:
    assert is_binding(policy=_policy(region), rule=rule) is binds


def test_a_strength_that_policy_does_not_let_block_binds_nobody() -> None:
    """Huangshi without C: its practice no longer blocks, the law behind it does; Zunyi without M likewise."""
    huangshi, zunyi = _policy("420200"), _policy("520300")
    without_c = replace(huangshi, rules=replace(huangshi.rules, blocking_strengths=("M",)))
    without_m = replace(zunyi, rules=replace(zunyi.rules, blocking_strengths=("C",)))

    assert binding(policy=without_c, rules=("HS-17", "LAW-ZFCG-37")) == "LAW-ZFCG-37"
    assert binding(policy=without_m, rules=("ZY-44",)) is None
