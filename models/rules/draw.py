"""The verifiable draw: who is drawn from a roster, by a recorded seed, so that anybody can draw again and compare.

Used for review panels, for negotiation groups and for random inspection. The roster is frozen and hashed before the
draw; candidates in conflict leave first, then quotas by category are filled, then the rest. The order in which a roster
is given does not matter. The seed is bound to the draw by ``commitment_of`` before it is used (``commands.draws``).
Pure: never reads a clock, a database or any randomness but the given seed.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from models.core.errors import Refusal
from models.core.hashing import digest, sha256_hex
from models.core.messages import sentence

METHOD: Final = "sha256(seed LF roster_digest) → Python random.Random → shuffle of the eligible ids in ascending order"
_RULE: Final = "SYS-DRAW"


@dataclass(frozen=True)
class Candidate:
    """One row of a roster. ``id`` is unique; ``ties`` are the organisations (or ids) the person declared ties with,
    ``past_roles`` those the person served recently, ``kin`` those (or person tokens) that relatives belong to.
    """

    id: str
    category: str
    employer: str
    ties: frozenset[str] = frozenset()
    past_roles: frozenset[str] = frozenset()
    kin: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Draw:
    """The outcome. ``excluded`` holds (id, reason code) by id; ``chosen`` and ``alternates`` are in the order drawn."""

    roster_digest: str
    seed: str
    seed_commitment: str
    excluded: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]
    alternates: tuple[str, ...]
    draw_id: str = ""


def commitment_of(*, seed: str, draw_id: str) -> str:
    """Return the digest published before a draw: SHA-256 of the seed and, after a line feed, the id of the draw.

    Without a draw id it is the digest of the seed alone (protocols of version 1).
    """
    return sha256_hex((f"{seed}\n{draw_id}" if draw_id else seed).encode())


def draw(
    *,
    roster: tuple[Candidate, ...],
    conflicts_with: frozenset[str],
    size: int,
    quotas: Mapping[str, int],
    seed: str,
    draw_id: str = "",
) -> Draw:
    """Draw ``size`` candidates, at least ``quotas[category]`` of each category, none in conflict.

    ``conflicts_with`` holds names of organisations or candidate ids. A candidate is in conflict when listed itself,
    when its employer, a declared tie, a recent role or a relative is listed; names are compared after Unicode NFKC
    without spaces. ``draw_id`` goes into the commitment only, not into the order.
    Raises ``Refusal`` (rule ``SYS-DRAW``) code ``draw.seed_missing``, ``draw.size_invalid``,
    ``draw.duplicate_candidate``, ``draw.quotas_exceed_size``, ``draw.too_few`` or ``draw.too_few_in_category`` (the
    last two name how many are missing).
    """
    _check_request(roster=roster, size=size, quotas=quotas, seed=seed)
    ordered = tuple(sorted(roster, key=lambda one: one.id))
    roster_digest = roster_digest_of(roster=ordered)
    reasons = {one.id: _conflict(one, frozenset(map(_plain, conflicts_with))) for one in ordered}
    eligible = [one for one in ordered if reasons[one.id] is None]
    _check_enough(eligible=eligible, excluded=len(ordered) - len(eligible), size=size, quotas=quotas)
    key = int(sha256_hex(f"{seed}\n{roster_digest}".encode()), 16)
    random.Random(key).shuffle(eligible)  # noqa: S311  # must be repeatable by anybody, not secret
    taken = {
        one.id
        for category, wanted in quotas.items()
        for one in [one for one in eligible if one.category == category][: max(wanted, 0)]
    }
    for one in eligible:
        if len(taken) == size:
            break
        taken.add(one.id)
    return Draw(
        roster_digest=roster_digest,
        seed=seed,
        seed_commitment=commitment_of(seed=seed, draw_id=draw_id),
        excluded=tuple((name, reason) for name, reason in reasons.items() if reason is not None),
        chosen=tuple(one.id for one in eligible if one.id in taken),
        alternates=tuple(one.id for one in eligible if one.id not in taken),
        draw_id=draw_id,
    )


def conflict_of(*, candidate: Candidate, conflicts_with: frozenset[str]) -> str | None:
    """Return why a candidate may not serve (the reason code), ``None`` when nothing stands against it."""
    return _conflict(candidate, frozenset(map(_plain, conflicts_with)))


def roster_digest_of(*, roster: tuple[Candidate, ...]) -> str:
    """Return the SHA-256 of the roster in the order of ids: the digest to publish before the draw."""
    return digest([_row(one) for one in sorted(roster, key=lambda one: one.id)])


def protocol_of(
    *,
    roster: tuple[Candidate, ...],
    conflicts_with: frozenset[str],
    size: int,
    quotas: Mapping[str, int],
    drawn: Draw,
) -> dict[str, Any]:
    """Return the JSON protocol of a draw: its whole input and its outcome, enough for ``verify``.

    Version 2 names the draw its seed was committed to; version 1 (no draw id) is still read.
    """
    bound = {"draw_id": drawn.draw_id} if drawn.draw_id else {}
    return {
        "kind": "draw_protocol",
        "version": 2 if bound else 1,
        **bound,
        "method": METHOD,
        "roster": [_row(one) for one in sorted(roster, key=lambda one: one.id)],
        "roster_digest": drawn.roster_digest,
        "conflicts_with": sorted(conflicts_with),
        "size": size,
        "quotas": {category: quotas[category] for category in sorted(quotas)},
        "seed": drawn.seed,
        "seed_commitment": drawn.seed_commitment,
        "excluded": [{"id": name, "reason": reason} for name, reason in drawn.excluded],
        "chosen": list(drawn.chosen),
        "alternates": list(drawn.alternates),
    }


def verify(protocol: Mapping[str, Any], *, published: str = "") -> tuple[str, ...]:
    """Draw again from a protocol and name every difference (zh-CN sentences); empty when it holds.

    ``published`` is the commitment as it stood in the event before the draw; the seed must open it.
    Never raises for a bad protocol: a protocol that cannot be read, or whose draw would be refused, is a difference.
    """
    try:
        written = _Protocol.model_validate(dict(protocol))
    except ValidationError as err:
        named = (".".join(map(str, item["loc"])) or "version" for item in err.errors())
        fields = "、".join(dict.fromkeys(named))
        return (sentence("draw.verify.malformed", {"fields": fields}),)
    roster = tuple(
        Candidate(
            row.id, row.category, row.employer, frozenset(row.ties), frozenset(row.past_roles), frozenset(row.kin)
        )
        for row in written.roster
    )
    try:
        again = draw(
            roster=roster,
            conflicts_with=frozenset(written.conflicts_with),
            size=written.size,
            quotas=written.quotas,
            seed=written.seed,
            draw_id=written.draw_id,
        )
    except Refusal as refusal:
        return (sentence("draw.verify.refused", {"reason": refusal.message}),)
    found: dict[str, tuple[object, object]] = {
        "published_commitment": (published or again.seed_commitment, again.seed_commitment),
        "roster_digest": (written.roster_digest, again.roster_digest),
        "seed_commitment": (written.seed_commitment, again.seed_commitment),
        "excluded": (tuple((row.id, row.reason) for row in written.excluded), again.excluded),
        "chosen": (written.chosen, again.chosen),
        "alternates": (written.alternates, again.alternates),
    }
    return tuple(
        sentence("draw.verify.differs", {"part": sentence(f"draw.part.{part}"), "written": one, "again": other})
        for part, (one, other) in found.items()
        if one != other
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Row(_Strict):
    id: str
    category: str
    employer: str
    ties: tuple[str, ...]
    past_roles: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()


class _ExcludedRow(_Strict):
    id: str
    reason: str


class _Protocol(_Strict):
    kind: str = Field(pattern="^draw_protocol$")
    version: int = Field(ge=1, le=2)
    draw_id: str = ""
    method: str = Field(pattern="^" + METHOD.replace("(", r"\(").replace(")", r"\)").replace(".", r"\.") + "$")
    roster: tuple[_Row, ...]
    roster_digest: str
    conflicts_with: tuple[str, ...]
    size: int
    quotas: dict[str, int]
    seed: str
    seed_commitment: str
    excluded: tuple[_ExcludedRow, ...]
    chosen: tuple[str, ...]
    alternates: tuple[str, ...]

    @model_validator(mode="after")
    def _bound_since_version_2(self) -> _Protocol:
        if (self.version == 1) == bool(self.draw_id):
            raise PydanticCustomError("draw_id", "version 2 names its draw, version 1 does not")
        return self


def _row(one: Candidate) -> dict[str, Any]:
    """Return a row as it is hashed; what nobody recorded has no key, so digests of older rosters stand."""
    inferred = {"past_roles": sorted(one.past_roles), "kin": sorted(one.kin)}
    return {
        "id": one.id,
        "category": one.category,
        "employer": one.employer,
        "ties": sorted(one.ties),
        **{name: names for name, names in inferred.items() if names},
    }


def _plain(name: str) -> str:
    """Full-width brackets and stray spaces must not hide that two names are one organisation."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _conflict(one: Candidate, listed: frozenset[str]) -> str | None:
    """Return the reason code, ``None`` when there is no conflict. An empty name matches nothing."""
    if _plain(one.id) in listed:
        return "listed"
    if one.employer.strip() and _plain(one.employer) in listed:
        return "employer"
    for reason, names in (("tie", one.ties), ("past_role", one.past_roles), ("kinship", one.kin)):
        if any(name.strip() and _plain(name) in listed for name in names):
            return reason
    return None


def _check_request(*, roster: tuple[Candidate, ...], size: int, quotas: Mapping[str, int], seed: str) -> None:
    if not seed.strip():
        raise Refusal("draw.seed_missing", rule=_RULE)
    if size < 1:
        raise Refusal("draw.size_invalid", rule=_RULE, facts={"size": size})
    if len({one.id for one in roster}) < len(roster):
        raise Refusal(
            "draw.duplicate_candidate", rule=_RULE, facts={"count": len(roster) - len({o.id for o in roster})}
        )
    wanted = sum(max(number, 0) for number in quotas.values())
    if wanted > size:
        raise Refusal("draw.quotas_exceed_size", rule=_RULE, facts={"wanted": wanted, "size": size})


def _check_enough(*, eligible: list[Candidate], excluded: int, size: int, quotas: Mapping[str, int]) -> None:
    if len(eligible) < size:
        facts = {"size": size, "eligible": len(eligible), "excluded": excluded, "missing": size - len(eligible)}
        raise Refusal("draw.too_few", rule=_RULE, facts=facts)
    for category, wanted in sorted(quotas.items()):
        have = sum(1 for one in eligible if one.category == category)
        if have < wanted:
            facts_of_category = {"category": category, "wanted": wanted, "eligible": have, "missing": wanted - have}
            raise Refusal("draw.too_few_in_category", rule=_RULE, facts=facts_of_category)
