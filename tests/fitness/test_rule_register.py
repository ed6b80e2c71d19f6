"""The rule register keeps its word: complete, well-formed, and what it calls in force is named by code and proven.

A proof is a test of this suite or a step of a shipped case, which the suite plays (``tests/journeys``); here it is only
looked up, there it runs: a proof that fails, fails the suite. Nothing here needs a database.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models import commands, queries
from models.core.registry import operations
from models.policy.resolver import load_policy_book
from models.policy.sections import leaf_specs
from models.rules.register import STAGES, Kind, RuleEntry, Status, Strength, register
from tests.fitness.modules import ROOT, product

SEEDS = {
    "ZY": ("520300", 124),
    "BJ": ("110000", 80),
    "FZ": ("350503", 79),
    "AH": ("340000", 33),
    "HS": ("420200", 54),
}
_MOST_CHARACTERS = 30
_ID = re.compile(r"(?:ZY|BJ|FZ|AH|HS)-\d{2,3}")
_REGISTER = "models/rules/register/"
_TRANSITIONS = "models/rules/lifecycle.py"  # the clause beside a move says what the move rests on, it refuses nothing
_IN_FORCE = [entry for entry in register() if entry.status is Status.IN_FORCE]


def test_the_register_holds_every_rule_of_the_catalogue_once_and_in_order() -> None:
    expected = [
        (f"{seed}-{number:02d}", region) for seed, (region, count) in SEEDS.items() for number in range(1, count + 1)
    ]

    assert len(expected) == 370
    assert [(entry.id, entry.region) for entry in register()] == expected


def test_every_entry_has_a_stage_an_article_and_a_gist_in_our_own_few_words() -> None:
    """Kind, strength and status are enumerations: the loader takes no other value."""
    offenders = [
        entry.id
        for entry in register()
        if entry.stage not in STAGES or not entry.article or not 0 < len(entry.gist) <= _MOST_CHARACTERS
    ]
    assert not offenders, f"stage unknown, article or gist missing or too long: {offenders}"
    repeated = [gist for gist, count in Counter((one.region, one.gist) for one in register()).items() if count > 1]
    assert not repeated, f"two rules of a region with one gist: {repeated}"


def test_only_huangshi_reports_practice() -> None:
    """C is what one place did (decision 13): all of HS and nothing else."""
    assert all((entry.strength is Strength.PRACTICE) is (entry.region == "420200") for entry in register())


def test_what_is_not_in_force_says_why_and_claims_nothing() -> None:
    waiting = [entry for entry in register() if entry.status is not Status.IN_FORCE]

    assert not [entry.id for entry in waiting if not entry.reason], "no reason given"
    claimed = [entry.id for entry in waiting if entry.held_by or entry.case or entry.case_refused]
    assert not claimed, f"not in force, yet with a holder or a case: {claimed}"


def test_what_is_in_force_is_in_force_somewhere() -> None:
    """A region without a policy pack cannot be served: none of its rules holds anything yet."""
    packs = load_policy_book().regions()
    offenders = [entry.id for entry in _IN_FORCE if entry.region not in packs]
    assert not offenders, f"in force in a region without a policy pack: {offenders}"


def test_what_is_in_force_is_named_by_the_code_or_policy_that_holds_it() -> None:
    """A gate by the code or the quality suite that refuses with it; any other by a command, suite, flow or leaf."""
    gates, named = set(_raised()), _named()
    offenders = [
        f"{entry.id}: {'no code refuses with it' if entry.kind is Kind.GATE else 'nothing names it'}"
        for entry in _IN_FORCE
        if entry.id not in (gates if entry.kind is Kind.GATE else named)
    ]
    assert not offenders, "\n".join(offenders)


def test_what_is_in_force_is_held_by_something_that_exists() -> None:
    commands.load()
    queries.load()
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    known = {*operations(), *leaf_specs(), *(one["name"] for one in deployments)}
    known |= {file.stem for file in (ROOT / "infra/quality/suites").glob("*.yaml")}
    offenders = [
        f"{entry.id}: {sorted(set(entry.held_by) - known) or 'nobody'}"
        for entry in _IN_FORCE
        if not entry.held_by or set(entry.held_by) - known
    ]
    assert not offenders, "held by what does not exist:\n" + "\n".join(offenders)


def test_what_is_in_force_is_proven_by_a_case_that_holds() -> None:
    offenders = [f"{one.id}: {one.case or 'none'}" for one in _IN_FORCE if not _exists(one, one.case, refused=False)]
    assert not offenders, "no such case:\n" + "\n".join(offenders)


def test_a_gate_in_force_is_proven_by_a_case_that_refuses_too() -> None:
    """M gates block everywhere in their region, C gates in 420200, which is all of them; S gates only warn."""
    offenders = [
        f"{one.id}: {one.case_refused or 'none'}"
        for one in _IN_FORCE
        if (one.case_refused or (one.kind is Kind.GATE and one.strength is not Strength.SOFT))
        and not _exists(one, one.case_refused, refused=True)
    ]
    assert not offenders, "no such refusing case:\n" + "\n".join(offenders)


def test_what_the_code_refuses_with_is_not_called_later() -> None:
    """The register may not lag behind the code where the rule's region can be served."""
    packs = load_policy_book().regions()
    statuses = {entry.id: entry.status for entry in register() if entry.region in packs}
    offenders = [f"{place}: {rule}" for rule, place in _raised().items() if statuses.get(rule) is Status.LATER]
    assert not offenders, "raised in code but called later:\n" + "\n".join(sorted(offenders))


@cache
def _raised() -> dict[str, str]:
    """Return each id that stands alone as a string where a refusal, a detail or a quality check takes its rule."""
    found: dict[str, str] = {}
    for module in product():
        if module.path.startswith(_REGISTER) or module.path == _TRANSITIONS:
            continue
        clauses = {
            id(word.value)
            for call in ast.walk(module.tree)
            if isinstance(call, ast.Call)
            for word in call.keywords
            if word.arg == "clause"
        }
        for node in ast.walk(module.tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in clauses else None
            if isinstance(text, str) and _ID.fullmatch(text):
                found[text] = module.place(node)
    for suite in sorted((ROOT / "infra/quality/suites").glob("*.yaml")):
        found |= dict.fromkeys(_rules_of(yaml.safe_load(suite.read_text("utf-8"))), suite.name)
    return found


def _rules_of(value: Any) -> Iterator[str]:
    """Return what stands under ``rule`` anywhere in a suite."""
    if isinstance(value, dict):
        if isinstance(value.get("rule"), str) and _ID.fullmatch(value["rule"]):
            yield value["rule"]
        for inner in value.values():
            yield from _rules_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _rules_of(inner)


@cache
def _named() -> frozenset[str]:
    """Return each id that product code, a quality suite or a policy pack names at all, the register left out."""
    texts = [module.text for module in product() if not module.path.startswith(_REGISTER)]
    for folder in ("infra/quality/suites", "models/policy/regions"):
        texts += [file.read_text("utf-8") for file in sorted((ROOT / folder).rglob("*.yaml"))]
    return frozenset(rule for text in texts for rule in _ID.findall(text))


def _exists(entry: RuleEntry, case: str, *, refused: bool) -> bool:
    """Say whether a test or a step of a shipped case exists; a refusing step refuses with the rule itself."""
    path, _, name = case.partition("::")
    if name:
        return path.startswith("tests/") and name.startswith("test_") and name in _tests_of(ROOT / path)
    path, _, name = case.partition("#")
    if not path.startswith("portal/cases/"):
        return False
    outcomes = [expect for verb, expect in _steps_of(ROOT / path) if verb == name]
    return ({"refused": entry.id} in outcomes) if refused else any("refused" not in one for one in outcomes)


@cache
def _tests_of(file: Path) -> frozenset[str]:
    """Return the names of the test functions of a file, those in classes included; empty where there is no file."""
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@cache
def _steps_of(file: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return verb and outcome of each step of a shipped case; an outcome that is one word becomes a mapping."""
    if not file.is_file():
        return ()
    steps = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)["steps"]  # noqa: S506  strings only
    found = []
    for step in steps:
        outcome = step.get("expect", "ok")
        verb = step.get("do") or step.get("run") or step.get("query")
        found.append((verb, outcome if isinstance(outcome, dict) else {outcome: ""}))
    return tuple(found)
