"""Names inside a bundle and the event chain, with no bundle around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core import chain
from models.core.hashing import digest
from reports import bundle_layout as layout
from tests.reports import bundles


@given(title=st.text(max_size=300), kind=st.text(max_size=8), number=st.integers(1, 99))
def test_payload_path_is_portable_whatever_the_title(title: str, kind: str, number: int) -> None:
    """No title of any paper can make a path that the writer refuses."""
    path = layout.payload_path(folder="07_验收", number=number, kind=kind, title=title, suffix=".pdf")

    assert layout.path_fault(path) is None
    assert path.startswith(f"07_验收/{number:02d}_")
    assert path.endswith(".pdf")


def test_payload_path_keeps_rare_characters_of_names() -> None:
    """Characters of personal names beyond the basic plane and of private use survive."""
    path = layout.payload_path(folder="07_验收", number=1, kind="结论", title="昇玥堃𠮷", suffix=".pdf")

    assert path == "07_验收/01_结论_昇玥堃𠮷.pdf"


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32).map(bytes.hex), st.sampled_from("甲乙丙")), max_size=5))
def test_manifest_lines_read_back(lines: list[tuple[str, str]]) -> None:
    """What is written as a manifest is read as the same entries."""
    text = "".join(layout.manifest_line(digest_hex, f"data/{name}  a.pdf") for digest_hex, name in lines)

    entries = list(layout.manifest_entries(text))

    assert entries == [(digest_hex, f"data/{name}  a.pdf") for digest_hex, name in lines]


def test_chains_of_several_streams_hold_side_by_side() -> None:
    """Each stream counts for itself."""
    assert chain.first_break(bundles.chain(5)) is None
    assert chain.first_break(()) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"actor": "city_bureau:u-other"}, "bundle.chain.hash"),
        ({"seq": 7}, "bundle.chain.gap"),
        ({"prev_hash": "1" * 64}, "bundle.chain.link"),
        ({"payload": {"ratio": 0.5}}, "bundle.chain.hash"),
        ({"stream_id": ["prj-1"]}, "bundle.chain.gap"),
    ],
)
def test_first_changed_event_is_named(change: dict[str, object], reason: str) -> None:
    """The first event that does not hold is the one reported, with its line."""
    events = list(bundles.chain())
    events[2] = events[2] | change

    broken = chain.first_break(events)

    assert broken == chain.ChainBreak(line=3, event_id="evt-project-2", reason=reason)


def test_an_event_taken_out_or_rehashed_breaks_the_next_one() -> None:
    """Removing an event leaves a gap; forging one with a fitting hash breaks the link after it."""
    events = list(bundles.chain())
    forged = {name: value for name, value in events[0].items() if name != "hash"} | {"payload": {"amount_fen": 9}}
    removed = chain.first_break(events[2:])
    rehashed = chain.first_break([forged | {"hash": digest(forged)}, *events[1:]])

    assert removed == chain.ChainBreak(line=1, event_id="evt-project-2", reason="bundle.chain.gap")
    assert rehashed == chain.ChainBreak(line=3, event_id="evt-project-2", reason="bundle.chain.link")
    assert chain.first_break([{}]) == chain.ChainBreak(line=1, event_id="", reason="bundle.chain.fields")
