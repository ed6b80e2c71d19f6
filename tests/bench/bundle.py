"""The bundle writer against ``sha256sum`` and ``cp`` on the same files. Called by ``python -m tests.bench``.

The writer reads, hashes (SHA-256 and, where OpenSSL has it, SM3) and copies every byte once into one zip; the baseline
reads twice, hashes once and copies. Nobody syncs to disk; outputs are removed between rounds.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from models.core.bundle import BundleView, PayloadPart
from reports.bundle import write_bundle
from reports.bundle_layout import sm3_available
from tests.bench.rounds import in_turns
from tests.reports import bundles

_SEED = 20160301
_CHUNK = 1 << 20


def measure(*, size: int, files: int, folder: Path, rounds: int = 3) -> dict[str, float]:
    """Return seconds and ratio for ``size`` bytes of payload in ``files`` files of different length.

    Raises ``AssertionError`` when the bundle does not hold exactly the bytes the baseline copied.
    """
    with tempfile.TemporaryDirectory(dir=folder) as work:
        source, copy, out = Path(work, "payload"), Path(work, "copy"), Path(work, "bundle.zip")
        payload = _payload(source, size=size, files=files)
        view = _view(payload)
        written = []

        def ours() -> None:
            out.unlink(missing_ok=True)
            with out.open("w+b") as target:
                written.append(write_bundle(view=view, out=target))

        def baseline() -> None:
            shutil.rmtree(copy, ignore_errors=True)
            subprocess.run(["sha256sum", *map(str, payload)], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["cp", "-r", str(source), str(copy)], check=True)

        ours_seconds, baseline_seconds = in_turns(ours, baseline, rounds=rounds)
        if len({result.bundle_id for result in written}) != 1 or written[0].payload_bytes != size:
            raise AssertionError("the bundle is not the same every time, or does not hold the payload")
        return {
            "bytes": size,
            "files": files,
            "ours_seconds": ours_seconds,
            "baseline_seconds": baseline_seconds,
            "ratio": ours_seconds / baseline_seconds,
            "sm3_too": sm3_available(),
        }


def _payload(folder: Path, *, size: int, files: int) -> list[Path]:
    """Write files of 0.1 to 1.9 times the mean length, ``size`` bytes in all, of bytes that do not compress."""
    folder.mkdir()
    dice = random.Random(_SEED)  # noqa: S311 – test bytes, not a secret
    weights = [dice.uniform(0.1, 1.9) for _ in range(files)]
    lengths = [int(size * weight / sum(weights)) for weight in weights]
    lengths[-1] += size - sum(lengths)
    paths = []
    for number, length in enumerate(lengths, start=1):
        path = folder / f"{number:04}.bin"
        with path.open("wb") as out:
            for block in range(0, length, _CHUNK):
                out.write(dice.randbytes(min(_CHUNK, length - block)))
        paths.append(path)
    return paths


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            yield block


def _view(payload: list[Path]) -> BundleView:
    parts: list[PayloadPart] = []
    for number, path in enumerate(payload, start=1):
        part = bundles.part(number, partial(_chunks, path), title=f"合成文件{number}")
        with path.open("rb") as file:
            parts.append(replace(part, sha256=hashlib.file_digest(file, "sha256").hexdigest()))
    return bundles.view(*parts)
