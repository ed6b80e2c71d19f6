"""Made-up programmes of a quarterly plan (合成): candidates, purses and ceilings by seed."""

from __future__ import annotations

import random
from collections import Counter

from models.rules.plan_programme import Aim, Candidate, Ceiling, Instance, Part, Purse, Settings

ALL = ("coverage", "performance", "score", "social_share")
SETTINGS = Settings(
    social_ratio="0.30",
    social_penalty="1",
    floor_projects=1,
    floor_weight="2",
    gap_limit="0.001",
    seed=20150301,
    least=8000,
    best_score=10000,
)


def made_up(
    *, candidates: int, channels: int, seed: int, aims: tuple[Aim, ...] = (Aim("baseline", ALL),), units: int = 14
) -> Instance:
    """Return a programme whose channels hold about half of what is asked; two funds a channel, one for some only."""
    draw = random.Random(seed)  # noqa: S311  # recorded seed
    codes = [f"c{number:02}" for number in range(channels)]
    found, asked = [], Counter[str]()
    for number in range(candidates):
        parts = []
        for code in sorted(draw.sample(codes, min(channels, draw.choice((1, 1, 2))))):
            now = draw.randrange(500_000, 60_000_000)
            pool = now * draw.choice((0, 1, 2, 3))
            funds = (f"{code}-any", f"{code}-some") if draw.random() < 0.3 else (f"{code}-any",)
            parts.append(Part(code, now, pool, funds if pool else ()))
            asked[code] += now
            asked[f"{code}-pool"] += pool
        found.append(
            Candidate(
                project=f"prj-{number:05}",
                unit=f"unit-{draw.randrange(units):02}",
                people=draw.randrange(20, 800),
                score=draw.randrange(6000, 10000),
                factor=draw.choice((1000, 1000, 1200, 500)),
                parts=tuple(parts),
                carry_over=draw.random() < 0.03,
                social=draw.random() < 0.25,
                effect=draw.choice(("", "", "", "tilt", "none")),
            )
        )
    purses = [
        Purse(f"{code}-{kind}", code, asked[f"{code}-pool"] * share // 100)
        for code in codes
        for kind, share in (("any", 45), ("some", 5))
    ]
    ceilings = [Ceiling(code, asked[code] * 6 // 10) for code in codes[: (channels + 1) // 2]]
    return Instance(tuple(found), tuple(purses), tuple(ceilings), SETTINGS, aims)
