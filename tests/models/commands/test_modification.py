"""What neither a change of the content nor a withdrawal by an office may do to a project. Everything is made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from models.tables.kernel import Document
from tests.support import deciding as path
from tests.support.planning import OFFICE, candidate
from tests.support.world import open_world

LATER = date(2016, 4, 6)
LINE = {"category": "人员费用", "channel": "local_budget", "amount": "600000.00"}


def test_a_review_that_was_failed_is_not_done_away_with_by_changing_the_content(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    project = path.reviewed(world, value=10)
    call: dict[str, Any] = {"as_": OFFICE, "on": LATER, "project": project, "reason": "合成变更理由"}

    for changes in ({"content": {"goals": "累计服务不少于五百零一人。"}}, {"budget": [LINE]}):
        world.refused("decision.panel_failed", "decision.modify", **call, changes=changes)

    assert world.do("decision.modify", **call, changes={"name": "改名后的合成项目"}).state == "project.reviewed"


def test_an_office_withdraws_what_is_appraised_only_on_the_applicants_written_request(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    project = candidate(world)
    call: dict[str, Any] = {"as_": OFFICE, "on": LATER, "project": project, "reason": "合成撤回理由"}
    world.refused("application.request_missing", "application.withdraw", **call)

    letter = world.upload("合成撤回申请".encode(), name="撤回.txt", media_type="text/plain").model_dump()
    moved = world.do("application.withdraw", **call, request=letter)

    with Session(world.services.engine) as session:
        kept = session.exec(select(Document).where(col(Document.kind) == "application_withdrawal")).one()
    assert (moved.state, kept.project_id, kept.sha256) == ("project.withdrawn", project, letter["sha256"])
