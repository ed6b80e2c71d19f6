"""``lifecycle audit verify``: an edited event is found by the chain it stands in, altered money by the ledger."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

PROJECT = json.dumps({"name": "合成项目", "needs": ["x"], "policies": ["y"]})


def test_edited_event_is_found(installation: Installation, lifecycle: Lifecycle) -> None:
    office = ("--as", "evaluation_office:u-office", "--as-of", "2016-03-01")
    lifecycle("do", "library.enter_project", "--with", PROJECT, *office)
    whole = lifecycle("audit", "verify", "--json")
    with closing(sqlite3.connect(installation.home / "lifecycle.db")) as database:  # as somebody who owns the machine
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'")
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE event SET actor = 'city_bureau:u-other' WHERE seq = 1")
        database.commit()

    edited, shown = lifecycle("audit", "verify", "--json"), lifecycle("audit", "verify")

    assert (whole.code, whole.json["ok"], whole.json["events"]) == (0, True, 1)
    assert (edited.code, shown.code, edited.json["ok"]) == (1, 1, False)
    assert edited.json["first_bad"]
    assert edited.json["first_bad"] in shown.out


def test_altered_money_is_found(installation: Installation, lifecycle: Lifecycle) -> None:
    at = ("--as-of", "2016-03-01")
    entered = lifecycle(
        "do", "library.enter_project", "--with", PROJECT, "--as", "evaluation_office:u-office", *at, "--json"
    )
    budget = {"project": entered.json["result"]["id"], "year": 2016, "channel": "local_budget", "amount": "100.00"}
    lifecycle("do", "funding.register_budget", "--with", json.dumps(budget), "--as", "finance_bureau:u-f", *at)
    whole = lifecycle("audit", "verify")
    with closing(sqlite3.connect(installation.home / "lifecycle.db")) as database:
        database.execute("UPDATE budget_line SET amount_fen = amount_fen + 1")
        database.commit()

    altered, shown = lifecycle("audit", "verify", "--json"), lifecycle("audit", "verify")

    assert (whole.code, "资金总账 1 笔分录" in whole.out) == (0, True)
    assert (altered.code, altered.json["ok"], altered.json["ledger"]["ok"], shown.code) == (1, True, False, 1)
    assert "预算批复与总账不符" in shown.out
