"""What ``models.ports.DocumentStore`` promises, kept alike by the S3 adapter and by the fake of command tests."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from infra.embedded.seaweed import EmbeddedS3
from infra.storage import S3DocumentStore, object_key
from models.core.errors import DataFault, Refusal, Transient
from models.core.hashing import sha256_hex
from models.ports import DocumentStore, Zone
from tests.support.fakes import MemoryDocumentStore

_prefixes = count()
BUNDLE = b"a bundle of papers"
LATER = date(2046, 12, 31)


@dataclass
class Harness:
    """A store under test, and what somebody else may do to it."""

    store: DocumentStore
    overwrite: Callable[[Zone, str, bytes], None]
    leave: Callable[[], None]
    lie: Callable[[], None]


def _fake() -> Harness:
    store = MemoryDocumentStore()

    def overwrite(zone: Zone, sha256: str, data: bytes) -> None:
        store.overwrite(zone=zone, sha256=sha256, data=data)

    return Harness(
        store,
        overwrite,
        leave=lambda: setattr(store, "away", True),
        lie=lambda: setattr(store, "lying", True),
    )


def _real(server: EmbeddedS3) -> Harness:
    settings = server.settings(bucket_prefix=f"contract-{next(_prefixes)}")
    store = S3DocumentStore(settings)
    client = store._connection.client

    def overwrite(zone: Zone, sha256: str, data: bytes) -> None:
        client.put_object(f"{settings.bucket_prefix}-{zone}", object_key(sha256), io.BytesIO(data), len(data))

    def leave() -> None:
        store._connection.__dict__.pop("client")
        store._connection.settings = replace(settings, endpoint="127.0.0.1:1", retry_pauses=())

    def lie() -> None:
        # What a server without object lock does: 200 for the upload, the retention headers forgotten.
        upload = client.put_object
        client.put_object = lambda *args, retention=None, **rest: upload(*args, **rest)

    return Harness(store, overwrite, leave, lie)


@pytest.fixture(params=["fake", "s3"])
def harness(request: pytest.FixtureRequest) -> Harness:
    return _fake() if request.param == "fake" else _real(request.getfixturevalue("s3"))


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 40], ids=["empty", "one byte", "10 kB"])
def test_get_returns_the_bytes_that_were_put(harness: Harness, data: bytes) -> None:
    stored = harness.store.put(zone=Zone.INTAKE, data=data, media_type="text/csv")

    found = harness.store.get(zone=Zone.INTAKE, sha256=stored.sha256)

    assert found == data
    assert (stored.size, stored.media_type, stored.sha256) == (len(data), "text/csv", sha256_hex(data))
    assert stored.key == f"sha256/{stored.sha256[:2]}/{stored.sha256[2:4]}/{stored.sha256}"


def test_putting_twice_equals_putting_once(harness: Harness) -> None:
    first = harness.store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="application/pdf")

    second = harness.store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")

    assert second == first
    assert first.version_id


def test_zones_are_separate(harness: Harness) -> None:
    stored = harness.store.put(zone=Zone.QUARANTINE, data=BUNDLE, media_type="text/plain")

    assert harness.store.exists(zone=Zone.QUARANTINE, sha256=stored.sha256)
    assert not harness.store.exists(zone=Zone.PUBLIC, sha256=stored.sha256)


def test_a_page_is_put_under_its_name_once_and_replaced_when_it_changes(harness: Harness) -> None:
    def put(data: bytes) -> bool:
        return harness.store.publish(path="notices/ntc-1.html", data=data, media_type="text/html; charset=utf-8")

    assert [put(b"one"), put(b"one"), put(b"two"), put(b"two")] == [True, False, True, False]
    assert harness.store.address(path="notices/ntc-1.html").endswith("/site/notices/ntc-1.html")


@pytest.mark.parametrize("path", ["", "/index.html", "a//b.html", "../x.html", "a/", "Index.html", "notices"])
def test_what_is_no_page_never_becomes_a_key(harness: Harness, path: str) -> None:
    with pytest.raises(Refusal) as refused:
        harness.store.publish(path=path, data=b"x", media_type="text/html")

    assert refused.value.code == "storage.bad_path"


def test_get_of_an_absent_object_is_a_fault_that_names_it(harness: Harness) -> None:
    absent = sha256_hex(b"never stored")

    with pytest.raises(DataFault, match=absent) as caught:
        harness.store.get(zone=Zone.DOCUMENTS, sha256=absent)

    assert caught.value.code == "storage.missing"


def test_get_refuses_bytes_that_were_exchanged(harness: Harness) -> None:
    stored = harness.store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")
    harness.overwrite(Zone.DOCUMENTS, stored.sha256, BUNDLE.replace(b"papers", b"PAPERS"))

    with pytest.raises(DataFault) as caught:
        harness.store.get(zone=Zone.DOCUMENTS, sha256=stored.sha256)

    assert caught.value.code == "storage.altered"


@pytest.mark.parametrize("digest", ["", "../" * 21 + "x", "A" * 64, "a" * 63 + "/", "a" * 63 + "\\", "a" * 64 + "\n"])
def test_what_is_not_a_digest_never_becomes_a_key(harness: Harness, digest: str) -> None:
    for ask in (harness.store.get, harness.store.exists):
        with pytest.raises(Refusal) as caught:
            ask(zone=Zone.DOCUMENTS, sha256=digest)

        assert caught.value.code == "storage.bad_digest"


def test_archived_object_keeps_the_retention_asked_for(harness: Harness) -> None:
    stored = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    assert harness.store.retained_until(sha256=stored.sha256) == LATER
    assert harness.store.get(zone=Zone.ARCHIVE, sha256=stored.sha256) == BUNDLE


@pytest.mark.parametrize("days", [-400, -1, 0])
def test_archiving_again_for_no_longer_writes_nothing(harness: Harness, days: int) -> None:
    first = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    again = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER + timedelta(days=days))

    assert again == first
    assert harness.store.retained_until(sha256=first.sha256) == LATER


def test_archiving_again_for_longer_extends_the_same_version(harness: Harness) -> None:
    first = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    again = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER + timedelta(days=1))

    assert again == first
    assert harness.store.retained_until(sha256=first.sha256) == LATER + timedelta(days=1)


def test_archiving_over_exchanged_bytes_is_a_fault(harness: Harness) -> None:
    stored = harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)
    harness.overwrite(Zone.ARCHIVE, stored.sha256, BUNDLE.replace(b"papers", b"PAPERS"))

    with pytest.raises(DataFault) as caught:
        harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    assert caught.value.code == "storage.altered"


def test_object_without_retention_says_so(harness: Harness) -> None:
    stored = harness.store.put(zone=Zone.ARCHIVE, data=BUNDLE, media_type="application/zip")

    assert harness.store.retained_until(sha256=stored.sha256) is None


def test_retention_of_an_absent_object_is_a_fault(harness: Harness) -> None:
    with pytest.raises(DataFault) as caught:
        harness.store.retained_until(sha256=sha256_hex(b"never archived"))

    assert caught.value.code == "storage.missing"


def test_retention_in_the_past_is_refused_and_stores_nothing(harness: Harness) -> None:
    with pytest.raises(Refusal) as caught:
        harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=date(1999, 12, 31))

    assert caught.value.code == "storage.retention_past"
    assert not harness.store.exists(zone=Zone.ARCHIVE, sha256=sha256_hex(BUNDLE))


def test_a_link_opens_what_is_there_for_whoever_has_it_and_says_when_it_expires(harness: Harness) -> None:
    stored = harness.store.put(zone=Zone.ARCHIVE, data=BUNDLE, media_type="application/zip")

    url = harness.store.link(zone=Zone.ARCHIVE, sha256=stored.sha256, hours=2)

    assert "X-Amz-Expires=7200" in url
    if url.startswith("http"):
        with urlopen(url) as response:  # noqa: S310  # the server this test started
            assert response.read() == BUNDLE
    with pytest.raises(DataFault) as caught:
        harness.store.link(zone=Zone.ARCHIVE, sha256=sha256_hex(b"never stored"), hours=2)
    assert caught.value.code == "storage.missing"


def test_a_link_opens_nothing_once_it_expired_and_its_term_cannot_be_lengthened(harness: Harness) -> None:
    """BJ-49, asked of the server itself: one second stands in for hours, and the term is part of what is signed."""
    stored = harness.store.put(zone=Zone.ARCHIVE, data=BUNDLE, media_type="application/zip")
    url = harness.store.link(zone=Zone.ARCHIVE, sha256=stored.sha256, hours=1 / 3600)  # type: ignore[arg-type]
    if not url.startswith("http"):
        return  # no server behind this store
    longer = url.replace("X-Amz-Expires=1&", "X-Amz-Expires=86400&")
    assert longer != url
    time.sleep(2.1)

    for address in (url, longer, url.split("?")[0]):
        with pytest.raises(HTTPError) as caught:
            urlopen(address)  # noqa: S310  # the server this test started
        assert caught.value.code == 403
        caught.value.close()


def test_probe_of_an_honest_server_finds_nothing(harness: Harness) -> None:
    probe = harness.store.probe()

    assert probe.honest
    assert probe.findings == ()
    assert probe.checked_at.utcoffset() == timedelta(hours=8)


def test_lying_server_is_found_out_and_archiving_refuses(harness: Harness) -> None:
    harness.lie()

    probe = harness.store.probe()
    with pytest.raises(DataFault) as caught:
        harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    assert not probe.honest
    assert "storage.probe.deleted" in probe.findings
    assert (caught.value.code, caught.value.rule) == ("storage.lying", "SYS-STORE-LIES")
    assert not harness.store.exists(zone=Zone.ARCHIVE, sha256=sha256_hex(BUNDLE))


def test_first_archiving_probes_by_itself(harness: Harness) -> None:
    harness.lie()

    with pytest.raises(DataFault) as caught:
        harness.store.archive(data=BUNDLE, media_type="application/zip", retain_until=LATER)

    assert caught.value.code == "storage.lying"


def test_every_call_is_transient_while_the_server_is_away(harness: Harness) -> None:
    stored = harness.store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")
    harness.leave()
    store, sha256 = harness.store, stored.sha256
    calls: list[Callable[[], object]] = [
        lambda: store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain"),
        lambda: store.get(zone=Zone.DOCUMENTS, sha256=sha256),
        lambda: store.exists(zone=Zone.DOCUMENTS, sha256=sha256),
        lambda: store.archive(data=BUNDLE, media_type="text/plain", retain_until=LATER),
        lambda: store.retained_until(sha256=sha256),
        lambda: store.link(zone=Zone.DOCUMENTS, sha256=sha256, hours=1),
        store.probe,
    ]

    for call in calls:
        with pytest.raises(Transient) as caught:
            call()

        assert caught.value.code == "storage.away"
