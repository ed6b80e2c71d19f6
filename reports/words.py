"""The words of a printed paper as a reader finds them: what the leak scan reads before anything is made public.

Called through the renderer. A PDF is read back from its bytes, not from its view; of a page the text and what assistive
technology reads aloud. Decides nothing.
"""

from __future__ import annotations

from html.parser import HTMLParser
from io import BytesIO

from models.ports import Rendered

_SILENT = frozenset({"style", "script"})
_SPOKEN = frozenset({"alt", "title", "aria-label", "content", "href", "datetime"})


def words_of(rendered: Rendered) -> str:
    """Return the text of a PDF or HTML paper, line by line. Raises ``ValueError`` for any other media type."""
    match rendered.media_type.partition(";")[0]:
        case "application/pdf":
            return _of_pdf(rendered.data)
        case "text/html":
            return _of_page(rendered.data.decode())
        case other:
            raise ValueError(f"no words are read from {other}")


def _of_pdf(data: bytes) -> str:
    from pypdf import PdfReader  # heavy: only what goes public is read back

    reader = PdfReader(BytesIO(data))
    title = reader.metadata.title if reader.metadata else None
    return "\n".join([title or "", *(page.extract_text() for page in reader.pages)])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self.lines += [value for name, value in attrs if name in _SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.lines.append(data.strip())


def _of_page(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "\n".join(reader.lines)
