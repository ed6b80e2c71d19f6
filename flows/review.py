"""Review (S05): opening rounds from the operator's form or when a candidate's time has run out, closing those due."""

from __future__ import annotations

from datetime import date

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from flows._runtime import carry, find, resolve, sweep


class RoundForm(BaseModel):
    """What the evaluation office fills in to open a round."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        title="发起评审",
        json_schema_extra={"description": "由系统产生抽取种子并先行公布摘要,再抽取评审组"},
    )

    project: str = Field(min_length=1, title="项目编号", description="须为备选项目")
    closes_on: date | None = Field(default=None, title="评分截止日期", description="不填的按规定的工作日数计算")
    batch: str | None = Field(
        default=None, min_length=1, max_length=60, title="评审批次", description="同批次的项目相互比较"
    )
    sealed: bool = Field(default=False, title="评审期间专家互不知情")


@flow(name="review-open-round", persist_result=False)
async def open_round(form: RoundForm, as_of: date | None = None) -> dict[str, int]:
    """Commit to a seed, then open a round for one project (wraps ``review.commit_seed``, ``review.open_round``).

    The evaluation office fills in the form.
    """
    on = resolve(as_of)
    committed = carry("review.commit_seed", [{"project": form.project}], on)
    return carry("review.open_round", [form.model_dump(mode="json")], on) if committed["done"] else committed


class BatchForm(BaseModel):
    """What the evaluation office fills in to open the rounds of a batch."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        title="发起批次评审",
        json_schema_extra={"description": "逐个项目产生种子、公布摘要、抽取评审组;不能发起的列出原因,其余照办"},
    )

    projects: tuple[str, ...] = Field(min_length=1, title="备选项目编号", description="每行一个")
    batch: str = Field(min_length=1, max_length=60, title="评审批次", description="同批次的项目相互比较")
    closes_on: date | None = Field(default=None, title="评分截止日期", description="不填的按规定的工作日数计算")
    sealed: bool = Field(default=False, title="评审期间专家互不知情")


@flow(name="review-open-batch", persist_result=False)
async def open_batch(form: BatchForm, as_of: date | None = None) -> dict[str, int]:
    """Open the rounds of a list of candidates (wraps ``review.open_batch``).

    The evaluation office fills in the form.
    """
    return carry("review.open_batch", [form.model_dump(mode="json")], resolve(as_of))


@flow(name="review-open-due-rounds", persist_result=False)
async def open_due_rounds(as_of: date | None = None) -> dict[str, int]:
    """Commit to a seed and open a round for every candidate whose time has run out (wraps ``review.open_round``).

    Those of one day are one batch.
    """
    on = resolve(as_of)
    due = find("review.candidates_due", on)
    carry("review.commit_seed", [{"project": project} for project in due], on)
    return carry("review.open_round", [{"project": project, "batch": on.isoformat()} for project in due], on)


@flow(name="review-close-due-rounds", persist_result=False)
async def close_due_rounds(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Close every round whose last day has passed (wraps ``review.close_round``), then compare the batches that are
    complete (wraps ``review.compare_batch``).
    """
    on = resolve(as_of)
    closed = sweep("review.rounds_due", "review.close_round", "round", on)
    compared = sweep("review.batches_due", "review.compare_batch", "batch", on)
    return closed | {"batches_compared": compared["done"]}
