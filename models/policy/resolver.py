"""Answers "what holds in this region on this date": a frozen policy with the source and the digest of every value.

Owns inheritance (a region's leaf stands in for its parent's on the dates it covers; outside them the parent's shows
through). Called by commands through ``Context.policy`` and by queries. Must never ask for today's date: the pins of
decision 11 are the callers'.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from models.core.errors import Detail, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.policy.loader import Pack, load_packs, refuse_faults
from models.policy.schema import Policy, ResolvedLeaf, Status
from models.policy.sections import SECTIONS, leaf_specs
from models.policy.values import plain


class PolicyBook:
    """All packs, read once. Resolving is pure: equal region and date give equal policies."""

    def __init__(self, packs: Mapping[str, Pack]) -> None:
        self._packs = MappingProxyType(dict(packs))
        self._resolved: dict[tuple[str, date], Policy] = {}

    @property
    def packs(self) -> Mapping[str, Pack]:
        """Every pack by region code, as read."""
        return self._packs

    def regions(self) -> tuple[str, ...]:
        """Return the codes of all packs, sorted."""
        return tuple(sorted(self._packs))

    def lineage(self, region: str) -> tuple[str, ...]:
        """Return the region and its ancestors, nearest first. Raises ``Refusal`` code ``policy.unknown_region``."""
        if region not in self._packs:
            facts = {"region": region, "known": "、".join(self.regions())}
            raise Refusal("policy.unknown_region", rule="SYS-POLICY", facts=facts)
        codes = [region]
        while (parent := self._packs[codes[-1]].parent) is not None:
            codes.append(parent)
        return tuple(codes)

    def is_within(self, region: str, ancestor: str) -> bool:
        """Say whether ``region`` is ``ancestor`` or lies below it. Raises ``Refusal`` for an unknown region."""
        return ancestor in self.lineage(region)

    def covered_from(self, region: str) -> date:
        """Return the first date on which every required leaf has a value."""
        start = self._packs[self.lineage(region)[-1]].covered_from
        if start is None:
            raise TypeError("the loader lets no pack without a parent through that has no covered_from")
        return start

    def change_dates(self, region: str) -> tuple[date, ...]:
        """Return every date, from coverage on, on which some value may change here; the first is the coverage date."""
        start = self.covered_from(region)
        dates = {start}
        for code in self.lineage(region):
            for entries in self._packs[code].leaves.values():
                for entry in entries:
                    dates.update(edge for edge in (entry.effective.from_, entry.effective.to) if edge and edge > start)
        return tuple(sorted(dates))

    def hard(self, leaf: ResolvedLeaf) -> str | None:
        """Return the rule under which no region below the one that states ``leaf`` may set it otherwise, if any."""
        mark = self._packs[leaf.region].hard
        return mark.rule if mark and leaf.status is Status.ENACTED and leaf.key not in mark.adjustable else None

    def leaves_on(self, region: str, on: date) -> dict[str, ResolvedLeaf]:
        """Return the value of every leaf that has one here on this date, in the order of the sections."""
        found: dict[str, ResolvedLeaf] = {}
        for key in leaf_specs():
            for code in self.lineage(region):
                entries = self._packs[code].leaves.get(key, ())
                entry = next((item for item in entries if on in item.effective), None)
                if entry is not None:
                    found[key] = ResolvedLeaf(key=key, region=code, **vars(entry))
                    break
        return found

    def resolve(self, *, region: str, on: date) -> Policy:
        """Return what holds in ``region`` on ``on``.

        Raises ``Refusal`` code ``policy.unknown_region`` or ``policy.before_coverage``; ``DataFault`` code
        ``policy.invalid`` when a pack leaves a required leaf without a value (the lint finds that first).
        """
        if (region, on) not in self._resolved:
            self._resolved[region, on] = self._resolve(region, on)
        return self._resolved[region, on]

    def _resolve(self, region: str, on: date) -> Policy:
        lineage = self.lineage(region)
        name, start = self._packs[region].name, self.covered_from(region)
        if on < start:
            facts = {"region": f"{region} {name}", "from": start.isoformat(), "on": on.isoformat()}
            raise Refusal("policy.before_coverage", rule="SYS-POLICY", facts=facts)
        leaves = self.leaves_on(region, on)
        refuse_faults(missing_leaves(leaves, region=region, on=on))
        values: dict[str, Any] = {key: leaf.value for key, leaf in leaves.items()}
        sections = {
            stage: section(**{key.partition(".")[2]: values[key] for key in values if key.startswith(f"{stage}.")})
            for stage, section in SECTIONS.items()
        }
        return Policy(
            region=region,
            region_name=name,
            lineage=lineage,
            on=on,
            digest=digest({"region": region, "values": {key: plain(value) for key, value in values.items()}}),
            leaves=MappingProxyType(leaves),
            **sections,
        )


def missing_leaves(leaves: Mapping[str, ResolvedLeaf], *, region: str, on: date) -> tuple[Detail, ...]:
    """Return one detail for each required leaf without a value."""
    problem = sentence("policy.fault.uncovered", {"on": on.isoformat()})
    return tuple(
        Detail(problem=problem, field=f"{region}:{key}", rule="SYS-POLICY")
        for key, spec in leaf_specs().items()
        if spec.required and key not in leaves
    )


@cache
def load_policy_book() -> PolicyBook:
    """Return the book of the shipped packs, read once per process. Raises ``DataFault`` code ``policy.invalid``."""
    return PolicyBook(load_packs(resources.files(__package__) / "regions"))
