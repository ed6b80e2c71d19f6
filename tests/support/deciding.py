"""Builders of review, publicity and decision (S05–S08): from a candidate to an approved project, through commands.

All experts and units are made up (合成). Dates follow one another in 2016, a fully published calendar year.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.support.planning import BUREAU, ENTERED_ON, OFFICE, candidate
from tests.support.world import World

OPENED_ON = date(2016, 3, 1)
SCORES_CLOSE_ON = date(2016, 3, 15)  # ten working days
PUBLISHED_ON = date(2016, 3, 16)
PUBLICITY_ENDS_ON = date(2016, 3, 23)  # five working days
CLOSED_ON = date(2016, 3, 24)
DECIDED_ON = date(2016, 3, 25)
APPROVED_ON = date(2016, 3, 28)
APPLICANT = "合成社会服务中心"
SYSTEM = "system:scheduler"
CATEGORIES = ("relevant_unit", "university_professor", "social_org_head", "professional_social_worker")
DIMENSIONS = ("innovation", "feasibility", "sustainability")


def register(world: World, number: int, *, category: str, on: date = ENTERED_ON, **changes: Any) -> str:
    """Put one made-up expert on the roster; the account is ``u-expert-<number>``."""
    given: dict[str, Any] = {
        "name": f"合成专家{number:02d}",
        "category": category,
        "employer": f"合成单位{number:02d}",
        "skills": ("社会工作",),
        "account": f"u-expert-{number}",
    }
    return str(world.do("review.register_expert", as_=OFFICE, on=on, **(given | changes)).id)


def roster(world: World, *, each: int = 2, on: date = ENTERED_ON) -> dict[str, str]:
    """Put ``each`` made-up experts of every category on the roster; return expert id → account."""
    experts: dict[str, str] = {}
    for number in range(each * len(CATEGORIES)):
        account = f"u-expert-{number}"
        experts[register(world, number, category=CATEGORIES[number % len(CATEGORIES)], on=on)] = account
    return experts


def open_round(world: World, project: str, *, seed: str = "seed-2016", on: date = OPENED_ON, **more: Any) -> Any:
    """Open a review round as the office."""
    return world.do("review.open_round", as_=OFFICE, on=on, project=project, seed=seed, **more)


def sheet(score: object = 80) -> dict[str, Any]:
    """Return a full sheet with one score in every dimension."""
    return {"scores": dict.fromkeys(DIMENSIONS, score), "reasons": dict.fromkeys(DIMENSIONS, "理由充分")}


def score(world: World, opened: Any, *, value: object = 80, on: date = OPENED_ON) -> None:
    """Hand in the sheets of all members of a round who hold a seat and have not scored."""
    view = world.ask("review.round", round=opened.id, on=on)
    for seat in view.seats:
        if not seat.recused and not seat.scored:
            world.do("review.submit_score", as_=f"expert:{seat.expert}", on=on, round=opened.id, **sheet(value))


def letter(world: World) -> dict[str, Any]:
    """Upload a made-up expert's written request to leave a panel."""
    return world.upload("申请退出(合成)".encode(), name="申请.txt", media_type="text/plain").model_dump()


def sign(world: World, round: str, *, on: date = SCORES_CLOSE_ON) -> None:
    """Have every member of a closed round sign its opinion, where a rule asks for that (ZY-23)."""
    asked = world.ask("review.signatures", round=round, on=on)
    if asked.needed:
        for seat in world.ask("review.round", round=round, on=on).seats:
            if not seat.recused:
                world.do(
                    "review.sign_opinion",
                    as_=f"expert:{seat.expert}",
                    on=on,
                    round=round,
                    opinion_sha256=asked.opinion_sha256,
                )


def reviewed(world: World, *, value: object = 80, **project: Any) -> str:
    """Bring a project to ``reviewed`` and return its id."""
    roster(world)
    name = candidate(world, **project)
    opened = open_round(world, name)
    score(world, opened, value=value)
    world.do("review.close_round", as_=OFFICE, on=SCORES_CLOSE_ON, round=opened.id, opinion="同意通过评审。")
    sign(world, opened.id)
    return name


def publish(world: World, project: str, *, on: date = PUBLISHED_ON, **changes: Any) -> Any:
    """Publish the notice of a reviewed project."""
    given: dict[str, Any] = {"channels": ("website", "notice_board"), "contact": "联系电话:0714-6234567"}
    return world.do("publicity.publish_notice", as_=OFFICE, on=on, project=project, **(given | changes))


def publicised(world: World, **project: Any) -> str:
    """Bring a project through review and publicity, its notice closed, and return its id."""
    name = reviewed(world, **project)
    notice = publish(world, name)
    world.do("publicity.close_notice", as_=SYSTEM, on=CLOSED_ON, notice=notice.id)
    return name


def decision(**changes: Any) -> dict[str, Any]:
    """Return a positive decision; ``changes`` replace its entries."""
    return {"outcome": "positive", "basis": "经集体研究,同意立项。", "meeting_no": "合成〔2016〕3号会议"} | changes


def decided(world: World, **project: Any) -> str:
    """Bring a project to ``decided`` and return its id."""
    name = publicised(world, **project)
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=name, **decision())
    return name


def approved(world: World, **project: Any) -> str:
    """Bring a project to ``approved`` and return its id."""
    name = decided(world, **project)
    world.do("decision.approve", as_=OFFICE, on=APPROVED_ON, project=name, conditions=("资金专账管理。",))
    return name
