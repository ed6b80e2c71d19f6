"""What papers promise: complete, literal, the same bytes every time, and a fault that says what is wrong."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest

from models.core.errors import DataFault
from models.ports import Rendered, Renderer
from reports import press, renderer
from reports.paper import PaperKind
from reports.renderer import KINDS, PaperRenderer
from reports.words import words_of
from tests.reports.ledger_views import BLANK, made_up
from tests.reports.pdfa_check import check, header_cells
from tests.reports.sheet_views import APPROVAL
from tests.reports.views import CASE_REPORT, PLAN_NOTICE, PUBLICITY, REVIEW, VIEWS

ROOT = Path(__file__).parents[2]
PDF_KINDS = sorted(kind for kind, entry in KINDS.items() if getattr(entry, "template", "").endswith(".typ"))
HTML_KINDS = sorted(kind for kind, entry in KINDS.items() if getattr(entry, "template", "").endswith(".html"))
INJECTION = '#panic("x") $a^2$ *粗* = 标题 @ref <label> \\ //'


def render(kind: str, view: dict[str, Any]) -> Rendered:
    renderer: Renderer = PaperRenderer()
    return renderer.render(kind=kind, view=view)


def text_of(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def fault_of(kind: str, view: dict[str, Any]) -> DataFault:
    with pytest.raises(DataFault) as caught:
        render(kind, view)
    assert caught.value.code == "paper.unprintable"
    return caught.value


def figures(value: Any) -> list[str]:
    """Every text a view holds below its head, with the mark of synthetic ones."""
    match value:
        case {"text": str(text), "synthetic": True}:
            return [f"{text}※"]
        case dict():
            skipped = ("level", "date" if "title_lines" in value else "", "starts_on", "ends_on", "rehearsal")
            return [text for key, item in value.items() if key not in skipped for text in figures(item)]
        case list():
            return [text for item in value for text in figures(item)]
        case str():
            return [value]
        case _:
            return []


def test_every_kind_has_a_sample_view() -> None:
    assert set(VIEWS) == set(KINDS)


@pytest.mark.parametrize("kind", PDF_KINDS)
def test_pdf_prints_every_text_of_its_view(kind: str) -> None:
    view = VIEWS[kind]

    printed = text_of(render(kind, view).data)

    missing = [text for text in figures(view) if "".join(text.split()) not in printed]
    assert missing == []


@pytest.mark.parametrize("kind", PDF_KINDS)
def test_numbers_of_a_pdf_are_found_by_a_search_even_beside_a_broken_digest(kind: str) -> None:
    view = copy.deepcopy(VIEWS[kind])
    amounts = {text for text in figures(view) if re.fullmatch(r"[0-9,]+\.[0-9]{2}", text.removesuffix("※"))}

    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render(kind, view).data)).pages]

    whole = "\n".join(pages)
    assert "\u200b" not in whole
    assert "2016" in whole
    assert [amount for amount in amounts if amount not in whole] == []


@pytest.mark.parametrize("kind", PDF_KINDS)
def test_pdf_is_archival_and_accessible(kind: str) -> None:
    data = render(kind, VIEWS[kind]).data

    assert check(data) == []
    assert header_cells(data) >= 2


def test_archival_check_rejects_an_ordinary_pdf_and_an_active_one() -> None:
    plain, active = pikepdf.new(), pikepdf.open(io.BytesIO(render("publicity_notice", PUBLICITY).data))
    plain.add_blank_page()
    active.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    files = [io.BytesIO(), io.BytesIO()]
    plain.save(files[0])
    active.save(files[1])

    assert "no structure tree" in check(files[0].getvalue())
    assert "active content /JavaScript" in check(files[1].getvalue())


def test_same_view_gives_same_bytes_twice_and_in_another_process() -> None:
    program = (
        "import hashlib, json; from tests.reports.views import VIEWS; from reports.renderer import PaperRenderer\n"
        "r = PaperRenderer()\n"
        "print(json.dumps({k: hashlib.sha256(r.render(kind=k, view=v).data).hexdigest() for k, v in VIEWS.items()}))"
    )

    here = {kind: hashlib.sha256(render(kind, view).data).hexdigest() for kind, view in VIEWS.items()}
    again = {kind: hashlib.sha256(render(kind, view).data).hexdigest() for kind, view in reversed(VIEWS.items())}
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)

    assert here == again
    assert here == json.loads(other.stdout)


def test_provenance_names_template_view_fonts_and_engine() -> None:
    first, second = render("publicity_notice", PUBLICITY), render("review_opinion", REVIEW)

    assert first.template == "publicity_notice.typ"
    assert first.engine.startswith("typst ")
    assert first.font_digest == second.font_digest
    assert first.template_digest != second.template_digest
    assert first.view_digest != second.view_digest
    assert all(len(value) == 64 for value in (first.template_digest, first.view_digest, first.font_digest))


def test_a_plain_string_and_its_cell_are_the_same_view() -> None:
    spelled_out = copy.deepcopy(PUBLICITY)
    spelled_out["lines"][0]["unit"] = {"text": PUBLICITY["lines"][0]["unit"], "synthetic": False, "stated": True}

    assert render("publicity_notice", spelled_out) == render("publicity_notice", PUBLICITY)


def test_document_date_is_the_date_of_the_view() -> None:
    info = pypdf.PdfReader(io.BytesIO(render("publicity_notice", PUBLICITY).data)).metadata

    assert info is not None
    assert info.creation_date is not None
    assert info.creation_date.date().isoformat() == "2016-03-15"


def test_markup_in_a_text_prints_literally() -> None:
    view = PUBLICITY | {"objection": INJECTION, "title_lines": [INJECTION]}

    assert text_of(render("publicity_notice", view).data).count("".join(INJECTION.split())) == 2


def test_markup_in_a_text_is_escaped_in_html() -> None:
    view = PUBLICITY | {"objection": "<script>alert(1)</script>{{ 7 * 7 }}"}

    page = render("publicity_notice_html", view).data.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in page
    assert "<script" not in page


def missing_from(kind: str) -> list[str]:
    """The texts of a sample view that its page does not show, each as often as the view holds it."""
    page = render(kind, VIEWS[kind])
    printed = "".join(words_of(page).split())
    texts = ["".join(text.split()) for text in figures(VIEWS[kind])]
    return [text for text in texts if printed.count(text) < texts.count(text)]


@pytest.mark.parametrize("kind", HTML_KINDS)
def test_html_prints_every_text_of_its_view(kind: str) -> None:
    assert missing_from(kind) == []


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the templates that a test may spoil."""
    folder = shutil.copytree(press.TEMPLATES, tmp_path / "templates")
    monkeypatch.setattr(press, "TEMPLATES", folder)
    renderer._pages.cache_clear()
    yield folder
    renderer._pages.cache_clear()


@pytest.mark.parametrize("kind", HTML_KINDS)
def test_a_page_that_lost_its_content_does_not_pass_for_whole(kind: str, templates: Path) -> None:
    entry = KINDS[kind]
    assert isinstance(entry, PaperKind)
    layout = '{% extends "public_page.html" %}{% block paras %}{% endblock %}'
    (templates / entry.template).write_text(layout)

    assert missing_from(kind) != []


def test_html_says_that_it_is_a_rehearsal_and_writes_dates_out() -> None:
    page = render("publicity_notice_html", PUBLICITY).data.decode()

    assert "演练 · 含合成数据" in page
    assert "2016年3月16日" in page


def test_a_character_no_font_has_is_named_with_its_field() -> None:
    view = copy.deepcopy(PUBLICITY)
    view["lines"][1]["unit"] = "合成\U00020000\U00020001单位"

    fault = fault_of("publicity_notice", view)

    assert "\U00020000" in fault.message
    assert "U+20001" in fault.message
    assert [detail.field for detail in fault.details] == ["lines.1.unit.text", "lines.1.unit.text"]


@pytest.mark.parametrize("kind", sorted(VIEWS))
def test_a_missing_field_is_named(kind: str) -> None:
    view = {key: value for key, value in VIEWS[kind].items() if key != "issuer"}

    fault = fault_of(kind, view)

    assert [detail.field for detail in fault.details] == ["issuer"]
    assert "缺少字段issuer" in fault.message


def test_unknown_and_ill_typed_fields_are_named_together_without_their_values() -> None:
    view = copy.deepcopy(PLAN_NOTICE) | {"sum": "1", "total_sum": 102}
    view["lines"][0]["targt"] = "机密内容"

    fault = fault_of("investment_plan_notice", view)

    assert {detail.field for detail in fault.details} == {"sum", "total_sum", "lines.0.targt"}
    assert "机密内容" not in json.dumps(fault.as_json(), ensure_ascii=False)


def test_an_unknown_kind_is_a_fault() -> None:
    assert "没有这一文种" in fault_of("love_letter", {}).message


def test_not_stated_prints_blank_and_never_zero() -> None:
    view = CASE_REPORT | {
        "stated_values": [{"field": "满意率", "original": BLANK, "adopted": BLANK}],
        "outcomes": [],
    }

    printed = text_of(render("case_report", view).data)

    assert "演练采用值满意率四、项目成效" in printed


def test_a_cell_that_is_not_stated_may_not_carry_a_value() -> None:
    view = REVIEW | {"result": {"text": "0", "stated": False}}

    fault = fault_of("review_opinion", view)

    assert [detail.field for detail in fault.details] == ["result"]
    assert "未载明" in fault.message


def test_approximate_change_is_flagged() -> None:
    printed = text_of(render("case_report", CASE_REPORT).data)

    assert "约−56%" in printed
    assert "约−58.3%" not in printed


def test_synthetic_fields_are_marked_and_declared_and_every_page_bears_the_banner() -> None:
    data = render("investment_plan_notice", PLAN_NOTICE).data
    pages = pypdf.PdfReader(io.BytesIO(data)).pages

    assert "102.00※" in text_of(data)
    assert "以下字段来源未载明，为演练合成，以※标注：总投资、本批下达、实施周期。" in text_of(data)
    assert all("演练·含合成数据" in "".join(page.extract_text().split()) for page in pages)


def test_a_real_paper_bears_no_banner() -> None:
    genuine = APPROVAL | {
        "rehearsal": False,
        "synthetic_fields": [],
        "sources": [{"source": "本级财政", "amount": "60.00"}],
        "total": "60.00",
        "total_capitals": "陆拾万元整",
    }

    printed = text_of(render("approval_document", genuine).data)

    assert "演练" not in printed
    assert "※" not in printed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rehearsal": False}, "正式文书不得含合成字段"),
        ({"synthetic_fields": []}, "未列出合成字段名称"),
        ({"rehearsal": False, "synthetic_fields": []}, "未列出合成字段名称"),
    ],
)
def test_synthetic_figures_must_be_declared_and_rehearsed(change: dict[str, Any], reason: str) -> None:
    assert reason in fault_of("approval_document", APPROVAL | change).message


def test_marks_must_match_the_criteria() -> None:
    view = copy.deepcopy(REVIEW)
    view["scores"][1]["marks"] = [made_up("1")]

    assert "个数不一致" in fault_of("review_opinion", view).message


def test_second_level_heading_needs_a_first_level_one() -> None:
    view = PLAN_NOTICE | {"paras": [{"level": "h2", "text": "（一）监管"}]}

    assert "缺少一级标题" in fault_of("investment_plan_notice", view).message


def test_body_page_holds_22_lines_of_28_characters() -> None:
    view = PLAN_NOTICE | {"paras": ["汉" * 28 * 60, "完。"]}

    pages = pypdf.PdfReader(io.BytesIO(render("investment_plan_notice", view).data)).pages

    lines = [line for line in pages[1].extract_text().splitlines() if "汉" in line]
    assert [len(line) for line in lines] == [28] * 22


def test_annex_is_landscape_and_the_colophon_stands_on_an_even_unnumbered_page() -> None:
    pages = pypdf.PdfReader(io.BytesIO(render("investment_plan_notice", PLAN_NOTICE).data)).pages

    wide = [page.mediabox.width > page.mediabox.height for page in pages]
    assert wide == [False, False, True, False]
    assert "印发" in pages[3].extract_text()
    assert "— 4 —" not in pages[3].extract_text()


def test_without_annex_the_colophon_closes_an_even_page() -> None:
    pages = pypdf.PdfReader(io.BytesIO(render("approval_document", APPROVAL).data)).pages

    assert len(pages) == 2
    assert "印发" in pages[1].extract_text()


def test_a_site_font_directory_changes_the_font_digest(tmp_path: Path) -> None:
    import pylopdf_fonts_zh_cn as wheel

    (tmp_path / "site.otf").write_bytes(Path(wheel.sans_path()).read_bytes())

    with_site = PaperRenderer(font_dir=tmp_path).render(kind="publicity_notice", view=PUBLICITY)

    assert with_site.font_digest != render("publicity_notice", PUBLICITY).font_digest
