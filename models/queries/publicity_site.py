"""The public site of notices: what its index, its pages and its feed show (S06). Built by ``publicity.build_site``.

Everything hangs on the rows alone, never on the day of building: equal rows give equal pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.ports import Zone
from models.queries.provenance import marks
from models.queries.publicity import objections_of
from models.queries.publicity_history import Teller, Told, history_view, outages_of, postings_of
from models.rules.bodies import body_name, written_date
from models.tables.kernel import Document, Project
from models.tables.publicity import PublicityNotice

INDEX: Final = "index.html"
FEED: Final = "feed.json"
_FEED_VERSION: Final = "https://jsonfeed.org/version/1.1"
_PAPERS: Final = ("procurement_notice_html", "contract_notice_html", "inspection_result_html")
_UP: Final = "../../"  # from site/notices/ to the root of the bucket, where the papers lie under their digests


@dataclass(frozen=True)
class Page:
    """One page: its path on the site, the view it is printed from, and what of it stands on the published notice."""

    path: str
    view: dict[str, Any]
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """The whole site: the index, one page for each project on a notice, the feed."""

    index: Page
    notices: tuple[Page, ...]
    feed: dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """One notice on the site: its row, its page, and its entry in the index."""

    notice: PublicityNotice
    page: Page
    entry: dict[str, Any]


def shown(session: Session, *, teller: Teller) -> tuple[Shown, ...]:
    """Return every notice as its rows stand, the newest first."""
    rows = session.exec(
        select(PublicityNotice, Project)
        .join(Project, col(Project.id) == col(PublicityNotice.project_id))
        .order_by(col(PublicityNotice.published_on).desc(), col(PublicityNotice.id))
    ).all()
    made = []
    for notice, project in rows:
        page = _page(session, notice, project, teller)
        made.append(Shown(notice, page, _entry(notice, page)))
    return tuple(made)


def papers(session: Session) -> tuple[dict[str, str], ...]:
    """Return the public papers on purchases, contracts and inspections for the index, the newest first."""
    rows = session.exec(
        select(Document)
        .where(col(Document.zone) == Zone.PUBLIC, col(Document.kind).in_(_PAPERS))
        .order_by(col(Document.issued_on).desc(), col(Document.id))
    ).all()
    return tuple(
        {"title": row.title, "href": f"../{row.key}", "date": row.issued_on.isoformat(), "digest": row.sha256}
        for row in rows
    )


def site(every: Sequence[Shown], *, teller: Teller, papers: Sequence[Mapping[str, str]] = ()) -> Site:
    """Return the site over the notices and ``papers`` that may be listed."""
    pages, entries = tuple(one.page for one in every), [one.entry for one in every]
    known = tuple(dict.fromkeys(text for page in pages for text in page.known))
    view = _index(pages, entries, teller)
    latest = max((view["date"], *(paper["date"] for paper in papers)))
    index = Page(INDEX, {**view, "date": latest, "papers": [dict(paper) for paper in papers]}, known)
    return Site(index, pages, _feed(every, teller))


def _changed_on(session: Session, notice: PublicityNotice) -> date:
    """Return the last day on which anything the page shows was recorded."""
    days = [notice.published_on, notice.closed_on]
    days += [day for one in objections_of(session, notice.id) for day in (one.raised_on, one.answered_on)]
    days += [day for one in postings_of(session, notice.sheet_id) for day in (one.posted_on, one.taken_down_on)]
    days += [day for one in outages_of(session, notice.sheet_id) for day in (one.first_day, one.last_day)]
    return max(day for day in days if day is not None)


def _page(session: Session, notice: PublicityNotice, project: Project, teller: Teller) -> Page:
    told = Told(_changed_on(session, notice), notice.ends_on, notice.closed_on, notice.result)
    view = history_view(
        session, notice=notice, told=told, project=project, marks=marks(session, project.id), teller=teller
    )
    papers = [("notice_pdf", notice.document_id), ("notice_html", notice.html_document_id)]
    papers += [
        ("closing_pdf", notice.closing_document_id or ""),
        ("closing_html", notice.closing_html_document_id or ""),
    ]
    links = [
        {"label": sentence(f"publicity.site.{code}"), "href": _UP + session.get_one(Document, document).key}
        for code, document in papers
        if document
    ]
    known = (notice.project_name, view["issuer"])
    return Page(f"notices/{notice.id}.html", {**view, "links": links, "home": f"../{INDEX}"}, known)


def _state(notice: PublicityNotice) -> str:
    state = notice.result or ("paused" if notice.paused_on else "open")
    return sentence(f"publicity.site.state.{state}")


def _entry(notice: PublicityNotice, page: Page) -> dict[str, Any]:
    return {
        "title": page.view["title_lines"][0],
        "href": page.path,
        "period": sentence(
            "publicity.site.period", {"first": written_date(notice.starts_on), "last": written_date(notice.ends_on)}
        ),
        "state": _state(notice),
        "digest": notice.sha256,
    }


def _index(pages: tuple[Page, ...], entries: list[dict[str, Any]], teller: Teller) -> dict[str, Any]:
    latest = max((page.view["date"] for page in pages), default="2000-01-01")
    return {
        "issuer": body_name(policy=teller.policy, role=Role(teller.policy.review.convener)),
        "date": latest,
        "rehearsal": teller.rehearsal,
        "synthetic_fields": sorted({label for page in pages for label in page.view["synthetic_fields"]}),
        "title_lines": [sentence("publicity.site.title")],
        "doc_no": "",
        "paras": [sentence("publicity.site.opening" if entries else "publicity.site.empty")],
        "entries": entries,
        "feed": FEED,
    }


def _feed(every: Sequence[Shown], teller: Teller) -> dict[str, Any]:
    items = [
        {
            "id": one.notice.id,
            "url": one.entry["href"],
            "title": one.entry["title"],
            "content_text": sentence(
                "publicity.site.entry", {"period": one.entry["period"], "state": one.entry["state"]}
            ),
            "date_published": f"{one.notice.published_on.isoformat()}T00:00:00+08:00",
            "_notice": {
                "sha256": one.notice.sha256,
                "html_sha256": one.notice.html_sha256,
                "closed_on": _iso(one.notice.closed_on),
            },
        }
        for one in every
    ]
    title = sentence("publicity.site.title")
    return {
        "version": _FEED_VERSION,
        "title": sentence("publicity.site.rehearsal", {"title": title}) if teller.rehearsal else title,
        "language": "zh-CN",
        "items": items,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
