"""Which rules bind where: a seed's rules bind in its region and below, the law's and ours everywhere.

Decision 13: M gates block where they are in force; C rules (Huangshi's practice) block only in region 420200. Which
strengths block at all is policy (``rules.blocking_strengths``).
"""

from __future__ import annotations

from typing import Final

from models.policy.schema import Policy

HOME_REGION: Final = {"ZY": "520300", "BJ": "110000", "FZ": "350503", "AH": "340000", "HS": "420200"}
_STRENGTH: Final = {"ZY": "M", "BJ": "M", "FZ": "M", "AH": "M", "HS": "C"}
"""How strong the rules of a seed are: M they are mandatory, C one place's practice."""


def is_binding(*, policy: Policy, rule: str) -> bool:
    """Say whether a rule id binds in the policy's region (``LAW-`` and ``SYS-`` ids bind everywhere, always)."""
    seed = rule.split("-", 1)[0]
    home = HOME_REGION.get(seed)
    if home is None:
        return True
    return home in policy.lineage and _STRENGTH[seed] in policy.rules.blocking_strengths


def binding(*, policy: Policy, rules: tuple[str, ...]) -> str | None:
    """Return the first rule id of ``rules`` that binds in the policy's region, ``None`` when none does.

    Used to name the clause a refusal rests on: ``binding(policy=p, rules=("HS-17", "LAW-ZFCG-37"))``.
    """
    return next((rule for rule in rules if is_binding(policy=policy, rule=rule)), None)
