"""The typed policy of one region on one date: frozen sections, one per stage, with the source of every value.

Built by ``resolver.PolicyBook.resolve``; read by rules, commands and papers. Must never hold a default value, read a
file or ask for today's date. The leaf keys and their types are the fields of the classes in ``sections``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from models.core.errors import Refusal
from models.policy.sections import leaf_specs
from models.policy.sections_around import Books, Duties, Tickets
from models.policy.sections_execution import (
    Acceptance,
    Alerts,
    Archive,
    Audit,
    Contract,
    Delivery,
    Evaluation,
    Incentive,
    Midterm,
    Monitoring,
    Procurement,
    Recovery,
    Rules,
)
from models.policy.sections_planning import (
    Application,
    Decision,
    Feasibility,
    Funding,
    Library,
    Lists,
    Needs,
    Publicity,
    Review,
)

UNSTATED: Final = "无来源规定(本系统建议值)"
NO_TITLE: Final = (UNSTATED, "标题未见")  # beginnings of a citation that names no document


class Status(StrEnum):
    """What the value is worth: a rule in force, a practice somebody reported, or our proposal."""

    ENACTED = "enacted"
    PRACTICE = "practice"
    PROPOSED = "proposed"


class Evidence(StrEnum):
    """How the value is known (domain.md, evidence labels)."""

    SEED = "S"
    LAW = "L"
    PAGE = "P"
    GITHUB = "G"
    BACKGROUND = "BK"
    PROPOSED = "PROP"


@dataclass(frozen=True)
class Citation:
    """Title of the source, its document number where known, and the article where the source has articles."""

    title: str
    number: str | None
    article: str | None

    def __str__(self) -> str:
        """Return the citation as printed: ``《政府采购法》第二十七条``."""
        title = self.title if self.title.startswith(NO_TITLE) else f"《{self.title}》"
        number = f"({self.number})" if self.number else ""
        return f"{title}{number}{self.article or ''}"


@dataclass(frozen=True)
class Effective:
    """Half-open validity: from ``from_`` (inclusive) to ``to`` (exclusive, ``None`` = open)."""

    from_: date
    to: date | None

    def __contains__(self, on: date) -> bool:
        return self.from_ <= on and (self.to is None or on < self.to)


@dataclass(frozen=True)
class ResolvedLeaf:
    """One value with everything a paper or an auditor asks about it. ``region`` is the pack that states it."""

    key: str
    value: Any
    unit: str
    meaning: str
    status: Status
    evidence: Evidence
    citation: Citation
    effective: Effective
    region: str

    @property
    def needs_confirmation(self) -> bool:
        """Whether a named official confirms the value before go-live: all evidence but S and L (decision 18)."""
        return self.status is Status.PROPOSED or self.evidence not in (Evidence.SEED, Evidence.LAW)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Everything that holds in ``region`` on ``on``. ``lineage`` is the region and its ancestors, nearest first;
    ``digest`` is the SHA-256 over region and resolved values.
    """

    region: str
    region_name: str
    lineage: tuple[str, ...]
    on: date
    digest: str
    leaves: Mapping[str, ResolvedLeaf]
    needs: Needs
    lists: Lists
    library: Library
    application: Application
    feasibility: Feasibility
    review: Review
    publicity: Publicity
    decision: Decision
    funding: Funding
    procurement: Procurement
    contract: Contract
    delivery: Delivery
    monitoring: Monitoring
    midterm: Midterm
    acceptance: Acceptance
    evaluation: Evaluation
    audit: Audit
    archive: Archive
    incentive: Incentive
    recovery: Recovery
    alerts: Alerts
    rules: Rules
    duties: Duties
    books: Books
    tickets: Tickets

    def need(self, key: str) -> Any:
        """Return the value of a leaf that the act cannot go on without.

        Raises ``Refusal`` code ``policy.unset`` (rule ``SYS-POLICY-UNSET``) when nothing sets it here on this date,
        ``KeyError`` for a key that is no leaf at all (a bug).
        """
        if key not in leaf_specs():
            raise KeyError(key)
        if key not in self.leaves:
            raise Refusal(
                "policy.unset",
                rule="SYS-POLICY-UNSET",
                facts={"leaf": key, "region": f"{self.region} {self.region_name}", "on": self.on.isoformat()},
            )
        return self.leaves[key].value

    def leaf(self, key: str) -> ResolvedLeaf:
        """Return the value of ``key`` with its source. Raises as ``need`` does."""
        self.need(key)
        return self.leaves[key]

    def clause(self, key: str) -> str:
        """Return the printable citation of ``key``. Raises as ``need`` does."""
        return str(self.leaf(key).citation)

    def proposed_keys(self) -> tuple[str, ...]:
        """Return the keys whose value no enacted rule or reported practice states, sorted."""
        return tuple(sorted(key for key, leaf in self.leaves.items() if leaf.status is Status.PROPOSED))

    def unconfirmed_keys(self) -> tuple[str, ...]:
        """Return the keys a named official must confirm before go-live (decision 18), sorted."""
        return tuple(sorted(key for key, leaf in self.leaves.items() if leaf.needs_confirmation))

    def unset_keys(self) -> tuple[str, ...]:
        """Return the known keys that nothing sets here on this date, in the order of the sections."""
        return tuple(key for key in leaf_specs() if key not in self.leaves)
