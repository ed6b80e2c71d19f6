"""Rules of archiving (S18): what must be on file before a project is closed, and how its files are registered.

Pure; called by ``commands.archive`` and ``queries.archive``. Never reads the database, never touches bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.core.bundle import ArchivalRecord, Inspection
from models.core.errors import DataFault, Detail, Refusal
from models.core.messages import catalogue, sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.rules.audit import missing_bodies
from models.rules.force import binding, is_binding

PDF: Final = "application/pdf"
_SUFFIXES: Final = {
    PDF: ".pdf",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "application/json": ".json",
    "application/zip": ".zip",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_LAST_FOLDER: Final = 9
_FOLDERS: Final = {
    "needs": 1,
    "library": 1,
    "application": 1,
    "feasibility": 1,
    "review": 2,
    "publicity": 2,
    "decision": 3,
    "funding": 4,
    "procurement": 5,
    "contract": 5,
    "delivery": 5,
    "monitoring": 6,
    "midterm": 6,
    "acceptance": 7,
    "evaluation": 8,
}
_PROCUREMENT_STAGES: Final = frozenset({"procurement", "contract"})
_OTHER: Final = "other"
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True)
class Part:
    """A part every closed file needs once one of ``events`` happened, and always where one of ``rules`` binds.

    It is there as a document of one of ``kinds`` or as an act of the chain (``acts``: event types). ``each``: one for
    every such event (a project may have several procurements), else one is enough. ``completed``: a project that ended
    before its services were complete owes none.
    """

    name: str
    kinds: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    each: bool = False
    completed: bool = False


_ENDED_EARLY: Final = ("project.stopped", "project.converted", "project.referred")
_REDECIDED: Final = (*_ENDED_EARLY[:2], "project.deferred", "project.resumed", "midterm.continued")
_COUNTY_OPINION: Final = ("county_review_opinion", "county_opinion_scan")
_OVERTURNED: Final = ("project.acceptance_overturned", "acceptance.overturned")
_AFTER_COMPLETION: Final = frozenset({"evaluation_result"})
"""What only a completed project can disclose."""

REQUIRED: Final[tuple[Part, ...]] = (
    Part("application", kinds=("plan_book", "application_form"), events=("project.submitted",)),
    Part("content_review", acts=("feasibility.content_reviewed",), rules=("HS-12",)),
    Part("cost_estimate", acts=("feasibility.cost_estimated",), rules=("HS-23",)),
    Part("review_opinion", kinds=("review_opinion",), events=("project.reviewed",)),
    Part("publicity_notice", kinds=("publicity_notice",), events=("project.published",)),
    Part("objection_sheet", kinds=("objection_sheet",), events=("publicity.objection_answered",), each=True),
    Part("decision_opinion", kinds=("decision_opinion",), events=("project.decided",)),
    Part("county_opinion", kinds=_COUNTY_OPINION, events=("feasibility.opinion_given",)),
    Part("approval_document", kinds=("approval_document",), events=("project.approved",)),
    Part("investment_plan_notice", kinds=("investment_plan_notice",), events=("project.planned",)),
    Part("procurement_record", kinds=("procurement_record",), events=("procurement.awarded",), each=True),
    Part("contract_summary", kinds=("contract_summary",), events=("contract.signed",), each=True),
    Part("self_check_report", kinds=("self_check_report",), events=("project.self_checked",)),
    Part("acceptance_conclusion", kinds=("acceptance_conclusion",), events=("project.accepted",)),
    Part("final_accounts", kinds=("final_account_audit",), events=("acceptance.audit_reported",), each=True),
    Part("overturning", kinds=("acceptance_overturned",), events=_OVERTURNED, each=True),
    Part("performance_goals", acts=("evaluation.goals_set",), rules=("BJ-38", "AH-28")),
    Part("goal_tracking", acts=("evaluation.goals_tracked",), rules=("AH-28",)),
    Part("goal_evaluation", acts=("evaluation.goals_evaluated",), rules=("AH-28",), completed=True),
    Part("midterm_report", kinds=("midterm_report",), events=("midterm.assessed",), each=True),
    Part("restructuring_plan", kinds=("restructuring_plan",), events=("project.stopped", "project.converted")),
    Part("midterm_decision", kinds=("midterm_decision",), events=_REDECIDED, each=True),
    Part("project_referral", kinds=("project_referral",), events=("project.referred",)),
    Part("misuse_evidence", kinds=("misuse_evidence",), events=("recovery.opened",), each=True),
    Part("interview_minutes", kinds=("interview_minutes",), events=("recovery.interviewed",), each=True),
    Part("officer_receipt", kinds=("handover_receipt",), events=("recovery.received",), each=True),
    Part("handover_sheet", kinds=("handover_sheet",), events=("delivery.taken_over",), each=True),
)


SIGNATURE: Final = "opinion_signature"
"""Kind of the statements with which members signed the opinion (ZY-23)."""


@dataclass(frozen=True)
class OnFile:
    """What a project's file holds: documents by kind, events of its chain by type, bodies whose receipt is in.

    ``disclosed`` is the codes of the items that stand in public. ``signatures_due`` is how many signatures ended the
    review (ZY-23), 0 where none was asked.
    """

    kinds: Mapping[str, int]
    events: Mapping[str, int]
    receipts: Collection[str]
    disclosed: Collection[str] = ()
    signatures_due: int = 0

    @property
    def ended_early(self) -> bool:
        """Whether the project was stopped, converted or referred before its services were complete."""
        return any(self.events.get(one) for one in _ENDED_EARLY)


def missing_parts(*, on_file: OnFile, policy: Policy) -> tuple[Detail, ...]:
    """Return one detail for every part of the checklist that is not on file, with how many are there and how many due.

    The checklist follows the path the project took; the number of third-party evaluations and the bodies that give
    receipts are policy. The result evaluation (ZY-29) is an evaluation report beside them; a project that ended early
    owes no evaluation of results, but what ended it.
    """
    wanted = [(part, _due(part, on_file=on_file, policy=policy)) for part in REQUIRED]
    wanted.append((Part("opinion_signature", kinds=(SIGNATURE,)), on_file.signatures_due))
    evaluations = (policy.evaluation.third_party_count or 0) + min(on_file.events.get("project.evaluated", 0), 1)
    due_reports = 0 if on_file.ended_early else evaluations
    wanted.append((Part("evaluation_report", kinds=("evaluation_report",)), due_reports))
    wanted.append((Part("audit_handover", kinds=("audit_handover",)), len(policy.audit.receipt_bodies)))
    faults = []
    for part, due in wanted:
        there = sum(on_file.kinds.get(kind, 0) for kind in part.kinds)
        there += sum(on_file.events.get(act, 0) for act in part.acts)
        if there < due:
            faults.append(_fault(sentence(f"archive.part.{part.name}"), there=there, due=due, policy=policy))
    for body in missing_bodies(policy=policy, received=on_file.receipts):
        name = sentence("archive.part.receipt", {"body": policy.audit.receipt_bodies[body]})
        faults.append(_fault(name, there=0, due=1, policy=policy))
    return tuple(faults)


def check_complete(*, on_file: OnFile, policy: Policy) -> None:
    """Refuse to close a project whose file is not complete (ZY-32). Raises ``Refusal`` ``archive.incomplete``."""
    missing = missing_parts(on_file=on_file, policy=policy)
    if missing:
        raise Refusal(
            "archive.incomplete",
            rule=_clause(policy),
            facts={"count": len(missing), "parts": "、".join(detail.field or "" for detail in missing)},
            details=missing,
        )


def check_properties(*, inspection: Inspection) -> None:
    """Refuse to close a bundle of which one of the four properties does not hold, with every finding (四性检测).

    Raises ``DataFault`` ``archive.property_fails`` (LAW-DAFTL-40).
    """
    failing = [name for name, holds in inspection.properties.items() if not holds]
    if failing or inspection.findings:
        names = "、".join(sentence(f"archive.word.{name}") for name in failing)
        raise DataFault(
            "archive.property_fails",
            rule="LAW-DAFTL-40",
            facts={"properties": names, "count": len(inspection.findings)},
            details=tuple(Detail(problem=message, field=path or None) for path, message in inspection.findings),
        )


def check_link(*, hours: int, dry_run: bool, policy: Policy) -> None:
    """Refuse a link that opens longer than the policy lets it, or one on trial, which would leave no trace.

    Raises ``Refusal`` ``archive.link_too_long``, ``archive.link_not_dry`` (SYS-ARCHIVE-LINK).
    """
    most = policy.archive.link_hours_max
    if hours > most:
        raise Refusal("archive.link_too_long", rule="SYS-ARCHIVE-LINK", facts={"hours": hours, "most": most})
    if dry_run:
        raise Refusal("archive.link_not_dry", rule="SYS-ARCHIVE-LINK")


def check_disclosed(*, on_file: OnFile, policy: Policy) -> None:
    """Refuse to close a purchase while an item the region's list demands is not public, naming each that is not.

    Raises ``Refusal`` ``archive.undisclosed`` (BJ-48).
    """
    rule = binding(policy=policy, rules=("BJ-48",))
    exempt = _AFTER_COMPLETION if on_file.ended_early else frozenset()
    items = {code: name for code, name in policy.publicity.disclosure_items.items() if code not in exempt}
    missing = [name for code, name in items.items() if code not in on_file.disclosed]
    if rule and missing:
        raise Refusal("archive.undisclosed", rule=rule, facts={"count": len(missing), "items": "、".join(missing)})


def _due(part: Part, *, on_file: OnFile, policy: Policy) -> int:
    if part.completed and on_file.ended_early:
        return 0
    happened = sum(on_file.events.get(event, 0) for event in part.events)
    if part.each:
        return happened
    return int(happened > 0 or any(is_binding(policy=policy, rule=rule) for rule in part.rules))


def _fault(name: str, *, there: int, due: int, policy: Policy) -> Detail:
    problem = sentence("archive.part_missing", {"part": name, "there": there, "due": due})
    return Detail(problem=problem, field=name, expected=str(due), rule=_clause(policy))


def _clause(policy: Policy) -> str | None:
    return binding(policy=policy, rules=("ZY-32", "SYS-ARCHIVE-COMPLETE"))


@dataclass(frozen=True)
class FiledPaper:
    """A document as it is registered: ``stage`` and ``kind`` as filed, ``printed`` when a template of ours made it."""

    stage: str
    kind: str
    title: str
    doc_no: str
    issuer: str
    issued_on: date
    media_type: str
    public: bool
    printed: bool
    synthetic: tuple[str, ...]


@dataclass(frozen=True)
class Registered:
    """One registered file: where it goes in the bundle (``number`` counts within ``folder``) and its record."""

    folder: str
    number: int
    kind: str
    suffix: str
    record: ArchivalRecord


def folder_number(*, stage: str) -> int:
    """Return the number (1–9) of the folder of a stage; others go into the last."""
    return _FOLDERS.get(stage, _LAST_FOLDER)


def register(
    *, papers: Sequence[FiledPaper], fonds: str, project: str, on: date, policy: Policy
) -> tuple[Registered, ...]:
    """Register the files of a project: 件号 from 1 without gaps, 档号 ``fonds-year-term-project-件号`` (DA/T 22-2015).

    ``papers`` must come in the order of the archive. ``fonds`` stands for the 全宗号 that only the archive can give;
    ``on`` is the day of archiving, from which terms count.
    """
    counts: Counter[int] = Counter()
    registered = []
    for item, paper in enumerate(papers, start=1):
        folder = folder_number(stage=paper.stage)
        counts[folder] += 1
        years = retention_years(stage=paper.stage, policy=policy)
        record = ArchivalRecord(
            archival_code=f"{fonds}-{on.year}-D{years}-{project}-{item:04d}",
            item_no=item,
            title=paper.title,
            document_no=paper.doc_no,
            responsible=paper.issuer,
            formed_on=paper.issued_on,
            pages=None,
            secrecy=sentence(f"archive.secrecy.{'public' if paper.public else 'internal'}"),
            retention=sentence("archive.retention", {"years": years}),
            openness=sentence(f"archive.openness.{'open' if paper.public else 'controlled'}"),
            format=_format(paper),
            synthetic=paper.synthetic,
            volume=_volume_name(volume_of(stage=paper.stage, policy=policy), policy),
            retained_until=retained_until(on=on, years=years),
        )
        name = sentence(f"archive.folder.{folder}")
        registered.append(Registered(name, counts[folder], kind_name(kind=paper.kind), _suffix(paper), record))
    return tuple(registered)


def volume_of(*, stage: str, policy: Policy) -> str:
    """Return the volume (案卷) of a stage; what no volume takes goes into the last one, ``other``."""
    return stage if stage in policy.archive.volumes else _OTHER


def archive_order(*, stage: str, policy: Policy) -> tuple[int, int]:
    """Return where files of a stage stand in the archive: by folder, within it by volume as policy lists them."""
    volumes = [*policy.archive.volumes, _OTHER]
    return folder_number(stage=stage), volumes.index(volume_of(stage=stage, policy=policy))


def retention_years(*, stage: str, policy: Policy) -> int:
    """Return how many years files of a stage are kept: as its volume asks, or as long as the project.

    Never shorter than the law has purchase files kept (LAW-ZFCG-42), or what says how personal data were processed.
    """
    own = policy.archive
    years = own.volume_retention_years.get(stage, own.project_retention_years)
    law = max(own.procurement_retention_years, policy.procurement.file_retention_years)
    floor = law if stage in _PROCUREMENT_STAGES else 0
    return max(years, floor, own.impact_assessment_years or 0)


def retained_until(*, on: date, years: int) -> date:
    """Return the last day of a term of years that begins on the day of archiving."""
    return add_months(on, months=_MONTHS_A_YEAR * years)


@dataclass(frozen=True)
class Volume:
    """One volume (案卷) of an archive: its code and name, how many files it holds, its term and last day."""

    code: str
    name: str
    files: int
    years: int
    retained_until: date


def volumes_of(*, stages: Iterable[str], on: date, policy: Policy) -> tuple[Volume, ...]:
    """Return the volumes of an archive in its order; ``stages`` holds the stage of each file.

    A volume of several stages is kept as long as the longest of them.
    """
    found: dict[str, list[str]] = {}
    for stage in sorted(stages, key=lambda one: archive_order(stage=one, policy=policy)):
        found.setdefault(volume_of(stage=stage, policy=policy), []).append(stage)
    made = []
    for code, held in found.items():
        years = max(retention_years(stage=stage, policy=policy) for stage in held)
        until = retained_until(on=on, years=years)
        made.append(Volume(code, _volume_name(code, policy), len(held), years, until))
    return tuple(made)


def _volume_name(code: str, policy: Policy) -> str:
    return policy.archive.volumes.get(code) or sentence("archive.volume.other")


def kind_name(*, kind: str) -> str:
    """Return a document kind (文种) as archivists read it."""
    code = f"archive.kind.{kind}"
    return sentence(code if code in catalogue() else "archive.kind.other")


def _suffix(paper: FiledPaper) -> str:
    return _SUFFIXES.get(paper.media_type.partition(";")[0].strip(), ".bin")


def _format(paper: FiledPaper) -> str:
    if paper.media_type == PDF and paper.printed:
        return "PDF/A-2a"
    return _suffix(paper).removeprefix(".").upper()
