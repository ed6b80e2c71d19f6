"""The case of objections, played as shipped on a real S3 server; then the public site is read back from its bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from models.ports import Zone
from portal.cli.replay import load_case, opened
from portal.replay.runner import play
from tests.journeys.story import assert_held
from tests.journeys.test_cases import OBJECTIONS, declared


def test_the_case_of_objections_holds_and_its_site_stands_in_the_public_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("LIFECYCLE_HOME", str(home))
    case = load_case(OBJECTIONS)

    with EmbeddedS3(home / "s3"), opened(case, recorded=False) as (services, launcher, _folder):
        report = play(case, services=services, launcher=launcher)
        store = services.documents
        client, bucket = store._connection.client, store._bucket(Zone.PUBLIC)  # type: ignore[attr-defined]
        keys = [entry.object_name for entry in client.list_objects(bucket, prefix="site/", recursive=True)]
        found = {key: client.get_object(bucket, key).data for key in keys}
        feed = json.loads(found["site/feed.json"])
        papers = {key: client.stat_object(bucket, key).content_type for key in _papers(found)}

    assert_held(report)
    assert {step.rule for step in report.steps if step.outcome == "refused"} == declared(OBJECTIONS)
    assert len(found) == 5
    built = [flow for step in report.steps for flow in step.flows if flow["deployment"] == "publicity-build-site"]
    assert (built[-1]["pages"], {flow["withheld"] for flow in built}) == (5, {0})
    assert len(feed["items"]) == 3
    assert set(papers.values()) == {"application/pdf", "text/html; charset=utf-8"}
    index = found["site/index.html"].decode()
    assert index.count("已结束") == 2
    assert index.count("已撤回") == 1
    assert not any(secret in page.decode() for page in found.values() for secret in ("合成异议人", "材料不实"))


def _papers(found: dict[str, bytes]) -> set[str]:
    """Return the keys that the pages of the site lead to."""
    pages = [data.decode() for key, data in found.items() if key.startswith("site/notices/")]
    return {part.split('"')[0] for page in pages for part in page.split('href="../../')[1:]}
