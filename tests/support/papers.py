"""The words of filed papers, for tests that look at what a reader sees."""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfReader

from models.ports import Zone
from tests.support.world import World


def words_of(world: World, sha256: str) -> str:
    """Return the text of a filed PDF, without white space."""
    pdf = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=sha256)
    return "".join("".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages)
