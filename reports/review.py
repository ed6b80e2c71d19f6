"""The expert panel's opinion (评审意见, D07): who scored what, the result, dissent, and a place for each signature."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class ExpertScore(View):
    """One expert's sheet: ``marks`` stand in the order of ``ReviewOpinion.criteria``."""

    expert: Line
    category: Line
    recusal: Line
    marks: tuple[Figure, ...]
    total: Figure
    reason: str = ""


class MethodLine(View):
    """One way to sum up the sheets: its value and its verdict."""

    method: Line
    value: Figure
    verdict: Line


class ReviewOpinion(Paper):
    """Facts of the round, one line an expert, the result against the pass mark, the other ways to sum up with what
    hangs on a single expert, the opinion, dissenting views, the digests of the sheets handed in.
    """

    facts: tuple[Fact, ...]
    criteria: Annotated[tuple[Line, ...], Field(min_length=1)]
    scores: Annotated[tuple[ExpertScore, ...], Field(min_length=1)]
    result: Figure
    pass_mark: Figure
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    dissent: tuple[Line, ...]
    methods: tuple[MethodLine, ...] = ()
    notes: tuple[Line, ...] = ()
    signatures: tuple[Line, ...] = ()

    @model_validator(mode="after")
    def _one_mark_a_criterion(self) -> ReviewOpinion:
        for score in self.scores:
            if len(score.marks) != len(self.criteria):
                raise PydanticCustomError("marks_mismatch", "one mark a criterion")
        return self


KINDS = (PaperKind("review_opinion", ReviewOpinion, "review_opinion.typ"),)
