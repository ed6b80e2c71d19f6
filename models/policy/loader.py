"""Reads the policy packs: ``regions/<code>/region.yaml`` and ``regions/<code>/<stage>.yaml``.

Owns the form of a leaf in YAML and refuses whatever does not keep it, all faults at once, each with file, line and
key. Called by ``resolver.load_policy_book`` and by the lint. Must never supply a value that no file states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, Final

import yaml

from models.core.errors import DataFault, Detail
from models.core.messages import sentence
from models.policy.schema import UNSTATED, Citation, Effective, Evidence, Status
from models.policy.sections import SECTIONS, LeafSpec, leaf_specs

_YAML: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENTRY_KEYS: Final = ("value", "unit", "meaning", "status", "evidence", "citation", "effective")
_REGION_KEYS: Final = ("name", "level", "parent")
_LEVELS: Final = ("nation", "province", "city", "county")

# What the status of a value may rest on: only what was read at its source is enacted or practice; anything known
# second-hand stays a proposal until somebody has seen the text (decisions 18 and 19).
_EVIDENCE: Final[Mapping[Status, frozenset[Evidence]]] = {
    Status.ENACTED: frozenset({Evidence.SEED, Evidence.LAW}),
    Status.PRACTICE: frozenset({Evidence.SEED, Evidence.PAGE}),
    Status.PROPOSED: frozenset({Evidence.PAGE, Evidence.GITHUB, Evidence.BACKGROUND, Evidence.PROPOSED}),
}


@dataclass(frozen=True)
class Entry:
    """One dated value of one leaf in one region."""

    value: Any
    unit: str
    meaning: str
    status: Status
    evidence: Evidence
    citation: Citation
    effective: Effective


@dataclass(frozen=True)
class Hard:
    """What packs below may not set otherwise: every enacted leaf of the pack but the ``adjustable`` ones (``rule``)."""

    rule: str
    adjustable: tuple[str, ...]


@dataclass(frozen=True)
class Pack:
    """Everything one region states itself; ``covered_from`` only where the pack has no parent."""

    code: str
    name: str
    level: str
    parent: str | None
    covered_from: date | None
    leaves: Mapping[str, tuple[Entry, ...]]
    hard: Hard | None = None


class _Faults:
    """Collects faults with their place."""

    def __init__(self) -> None:
        self.found: list[Detail] = []

    def add(
        self,
        code: str,
        *,
        file: str,
        node: yaml.Node | None,
        key: str | None,
        expected: str | None = None,
        rule: str = "SYS-POLICY",
    ) -> None:
        row = node.start_mark.line + 1 if node is not None else None
        place = ":".join(str(part) for part in (file, row, key) if part is not None)
        self.found.append(
            Detail(problem=sentence(f"policy.fault.{code}"), field=place, row=row, expected=expected, rule=rule)
        )


def load_packs(root: Traversable) -> dict[str, Pack]:
    """Return every pack below ``root`` by region code.

    Raises ``DataFault`` code ``policy.invalid`` with one detail a fault: unreadable YAML, duplicate or unknown keys, a
    missing or empty part, a value of the wrong kind or unit, a status without the evidence for it, overlapping or
    empty periods, an unknown or circular parent, a leaf that a pack above holds hard (ZY-118).
    """
    faults = _Faults()
    packs: dict[str, Pack] = {}
    for folder in sorted((item for item in root.iterdir() if item.is_dir()), key=lambda item: item.name):
        if folder.name.startswith((".", "_")):
            continue
        pack = _pack(folder, faults)
        if pack is not None:
            packs[pack.code] = pack
    _check_parents(packs, faults)
    if not faults.found:
        _check_hard(packs, faults)
    refuse_faults(tuple(faults.found))
    return packs


def refuse_faults(found: tuple[Detail, ...]) -> None:
    """Raise ``DataFault`` code ``policy.invalid`` when there is any fault."""
    if found:
        first = f"{found[0].field} {found[0].problem}"
        raise DataFault("policy.invalid", rule="SYS-POLICY", facts={"count": len(found), "first": first}, details=found)


def _pack(folder: Traversable, faults: _Faults) -> Pack | None:
    region: dict[str, Any] | None = None
    leaves: dict[str, tuple[Entry, ...]] = {}
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        path = f"{folder.name}/{file.name}"
        stage, _, suffix = file.name.rpartition(".")
        if suffix != "yaml" or (stage not in SECTIONS and stage != "region"):
            faults.add("unknown_file", file=path, node=None, key=None, expected="、".join(("region", *SECTIONS)))
            continue
        top = _mapping(file.read_text("utf-8"), path, faults)
        if top is None:
            continue
        if stage == "region":
            region = _region(top, path, faults)
        else:
            leaves.update(_leaves(top, stage, path, faults))
    if region is None:
        faults.add("no_region", file=f"{folder.name}/region.yaml", node=None, key=None)
        return None
    return Pack(code=folder.name, leaves=leaves, **region)


def _mapping(text: str, path: str, faults: _Faults) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(text, Loader=_YAML)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        faults.add("unreadable", file=f"{path}{line}", node=None, key=None)
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.add("not_mapping", file=path, node=node, key=None)
        return None
    return node


def _pairs(node: yaml.MappingNode, path: str, faults: _Faults) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Yield (key, key node, value node); a key seen twice is a fault, because YAML would silently keep the last."""
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in seen:
            faults.add("duplicate_key", file=path, node=key_node, key=key)
            continue
        seen.add(key)
        yield key, key_node, value_node


def _plain(node: yaml.Node) -> Any:
    """Return the Python value of a node. Raises ``yaml.YAMLError`` for tags that are not plain YAML."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _region(top: yaml.MappingNode, path: str, faults: _Faults) -> dict[str, Any] | None:
    parts: dict[str, Any] = {"covered_from": None, "hard": None}
    nodes: dict[str, yaml.Node] = {}
    for key, key_node, value_node in _pairs(top, path, faults):
        if key not in (*_REGION_KEYS, "covered_from", "hard", "note"):
            faults.add("unknown_key", file=path, node=key_node, key=key)
            continue
        nodes[key] = value_node
        if key != "note":
            parts[key] = _plain(value_node)
    complete = True
    for key, good in (
        ("name", isinstance(parts.get("name"), str)),
        ("level", parts.get("level") in _LEVELS),
        ("parent", "parent" in parts and isinstance(parts["parent"], str | None)),
        ("covered_from", (parts["covered_from"] is not None) == (parts.get("parent") is None)),
        ("hard", parts["hard"] is None or _is_hard(parts["hard"])),
    ):
        if not good:
            complete = False
            faults.add("wrong_region", file=path, node=nodes.get(key), key=key)
    if not complete:
        return None
    raw = parts["hard"]
    return parts | {"hard": Hard(rule=raw["rule"], adjustable=tuple(raw["adjustable"])) if raw else None}


def _is_hard(raw: object) -> bool:
    return (
        isinstance(raw, dict)
        and set(raw) == {"rule", "adjustable"}
        and isinstance(raw["rule"], str)
        and isinstance(raw["adjustable"], list)
        and all(isinstance(key, str) and key in leaf_specs() for key in raw["adjustable"])
    )


def _leaves(top: yaml.MappingNode, stage: str, path: str, faults: _Faults) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    specs = leaf_specs()
    for key, key_node, value_node in _pairs(top, path, faults):
        if key not in specs or not key.startswith(f"{stage}."):
            faults.add("unknown_leaf", file=path, node=key_node, key=key)
        elif not isinstance(value_node, yaml.SequenceNode) or not value_node.value:
            faults.add("no_entries", file=path, node=value_node, key=key)
        else:
            found = [(_entry(node, specs[key], path, faults), node) for node in value_node.value]
            entries = [(entry, node) for entry, node in found if entry is not None]
            entries.sort(key=lambda pair: pair[0].effective.from_)
            for (earlier, _), (later, node) in pairwise(entries):
                if earlier.effective.to is None or later.effective.from_ < earlier.effective.to:
                    faults.add("overlap", file=path, node=node, key=key)
            yield key, tuple(entry for entry, _ in entries)


def _entry(node: yaml.Node, spec: LeafSpec, path: str, faults: _Faults) -> Entry | None:
    before = len(faults.found)
    if not isinstance(node, yaml.MappingNode):
        faults.add("not_mapping", file=path, node=node, key=spec.key)
        return None
    nodes = {key: (key_node, value) for key, key_node, value in _pairs(node, path, faults)}
    for key, (key_node, _) in nodes.items():
        if key not in (*_ENTRY_KEYS, "note"):
            faults.add("unknown_key", file=path, node=key_node, key=f"{spec.key}.{key}")
    for key in _ENTRY_KEYS:
        if key not in nodes:
            faults.add("missing", file=path, node=node, key=f"{spec.key}.{key}")
    if len(faults.found) > before:
        return None
    reader = _EntryReader(spec, path, faults, {key: value for key, (_, value) in nodes.items()})
    entry = reader.read()
    return entry if len(faults.found) == before else None


@dataclass
class _EntryReader:
    """Reads the parts of one complete entry; faults go to ``faults``, the result counts only when there are none."""

    spec: LeafSpec
    path: str
    faults: _Faults
    nodes: Mapping[str, yaml.Node]

    def read(self) -> Entry:
        status, evidence = self._standing()
        return Entry(
            value=self._value(),
            unit=self._unit(),
            meaning=self._text("meaning"),
            status=status,
            evidence=evidence,
            citation=self._citation(evidence),
            effective=self._effective(),
        )

    def _fault(self, code: str, part: str, expected: str | None = None) -> None:
        key = f"{self.spec.key}.{part}"
        self.faults.add(code, file=self.path, node=self.nodes[part.partition(".")[0]], key=key, expected=expected)

    def _value(self) -> object:
        try:
            return self.spec.kind.read(_plain(self.nodes["value"]))
        except (ValueError, yaml.YAMLError):
            self._fault("wrong_value", "value", self.spec.kind.expected)
            return None

    def _unit(self) -> str:
        if _plain(self.nodes["unit"]) != self.spec.kind.unit:
            self._fault("wrong_unit", "unit", self.spec.kind.unit)
        return self.spec.kind.unit

    def _text(self, part: str) -> str:
        text = _plain(self.nodes[part])
        if not isinstance(text, str) or not text.strip():
            self._fault("missing", part)
        return str(text)

    def _standing(self) -> tuple[Status, Evidence]:
        raw = (_plain(self.nodes["status"]), _plain(self.nodes["evidence"]))
        try:
            status, evidence = Status(raw[0]), Evidence(raw[1])
        except ValueError:
            self._fault("wrong_standing", "status", "enacted / practice / proposed 与 S / L / P / G / BK / PROP")
            return Status.PROPOSED, Evidence.PROPOSED
        if evidence not in _EVIDENCE[status]:
            self._fault("evidence", "evidence", " / ".join(sorted(_EVIDENCE[status])))
        return status, evidence

    def _citation(self, evidence: Evidence) -> Citation:
        raw = _plain(self.nodes["citation"])
        good = isinstance(raw, dict) and set(raw) == {"title", "number", "article"}
        if not good or not isinstance(raw["title"], str) or not raw["title"].strip():
            self._fault("citation", "citation", "title、number、article 三项,title 不得为空")
            return Citation("", None, None)
        if not all(raw[part] is None or (isinstance(raw[part], str) and raw[part]) for part in ("number", "article")):
            self._fault("citation", "citation", "number、article 为文本或 null")
        if (evidence is Evidence.PROPOSED) != raw["title"].startswith(UNSTATED):
            self._fault("unstated", "citation", UNSTATED)
        return Citation(raw["title"], raw["number"], raw["article"])

    def _effective(self) -> Effective:
        raw = _plain(self.nodes["effective"])
        if not isinstance(raw, dict) or set(raw) != {"from", "to"} or type(raw["from"]) is not date:
            self._fault("period", "effective", "from: 日期, to: 日期或 null")
            return Effective(date.max, None)
        if raw["to"] is not None and (type(raw["to"]) is not date or raw["to"] <= raw["from"]):
            self._fault("period", "effective", "to 晚于 from(from 起施行,to 当日不再适用)")
        return Effective(raw["from"], raw["to"])


def _check_parents(packs: Mapping[str, Pack], faults: _Faults) -> None:
    for pack in packs.values():
        seen, current = {pack.code}, pack
        while current.parent is not None:
            if current.parent not in packs or current.parent in seen:
                faults.add("wrong_parent", file=f"{pack.code}/region.yaml", node=None, key="parent")
                break
            seen.add(current.parent)
            current = packs[current.parent]


def _check_hard(packs: Mapping[str, Pack], faults: _Faults) -> None:
    """Refuse every value of a pack for a day on which an enacted one above holds hard: a county adjusts the rest."""
    for pack in packs.values():
        above = pack
        while above.parent is not None:
            above = packs[above.parent]
            if above.hard is None:
                continue
            for key in sorted(set(pack.leaves) - set(above.hard.adjustable)):
                if any(_overrides(entry, held) for entry in pack.leaves[key] for held in above.leaves.get(key, ())):
                    file = f"{pack.code}/{key.partition('.')[0]}.yaml"
                    faults.add("hard_leaf", file=file, node=None, key=key, expected=above.name, rule=above.hard.rule)


def _overrides(entry: Entry, held: Entry) -> bool:
    """Say whether ``held`` is enacted and its period meets that of ``entry``."""
    first, second = sorted((entry.effective, held.effective), key=lambda period: period.from_)
    return held.status is Status.ENACTED and second.from_ in first
