"""The progress bar of long commands: shown on the error stream when it is a terminal, gone when the command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models.core.messages import sentence
from models.core.progress import watching
from portal.cli.output import errors


@contextmanager
def progress_bar() -> Iterator[None]:
    """Show one line for each step the command reports; a command that reports none shows nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bars = {}

        def hear(step: str, done: int, total: int) -> None:
            if step not in bars:
                bars[step] = progress.add_task(sentence(step))
            progress.update(bars[step], completed=done, total=total or None)

        with watching(hear):
            yield
