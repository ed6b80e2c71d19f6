"""What only a real S3 server can show: locks, versions, parts, wrong keys."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.retention import Retention
from urllib3.exceptions import ProtocolError

from infra.embedded.seaweed import EmbeddedS3
from infra.storage import LockMode, S3DocumentStore, S3Settings
from models.core.errors import DataFault, Refusal
from models.ports import Zone

BUNDLE = b"a bundle of papers"
UNTIL = date(2046, 12, 31)


def test_archived_version_survives_every_way_to_delete_it(s3: EmbeddedS3) -> None:
    """COMPLIANCE holds against the account that wrote the object: delete, bulk delete with bypass, shortening."""
    store = S3DocumentStore(s3.settings(bucket_prefix="locked"))
    stored = store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)
    client, place = store._connection.client, ("locked-archive", stored.key)
    soon = Retention("COMPLIANCE", datetime.now(UTC) + timedelta(minutes=1))

    with pytest.raises(S3Error, match="AccessDenied"):
        client.remove_object(*place, version_id=stored.version_id)
    with pytest.raises(S3Error, match="AccessDenied"):
        client.set_object_retention(*place, soon, version_id=stored.version_id)
    targets = [DeleteObject(stored.key, stored.version_id)]
    errors = list(client.remove_objects("locked-archive", targets, bypass_governance_mode=True))

    assert [error.code for error in errors] == ["AccessDenied"]
    assert store.get(zone=Zone.ARCHIVE, sha256=stored.sha256) == BUNDLE
    assert store.retained_until(sha256=stored.sha256) == UNTIL


def test_archiving_after_a_delete_marker_brings_the_object_back(s3: EmbeddedS3) -> None:
    """A delete without version hides a locked object, it does not destroy it; archiving again makes it readable."""
    store = S3DocumentStore(s3.settings(bucket_prefix="hidden"))
    stored = store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)
    store._connection.client.remove_object("hidden-archive", stored.key)

    hidden = store.exists(zone=Zone.ARCHIVE, sha256=stored.sha256)
    again = store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)

    assert not hidden
    assert again.version_id != stored.version_id
    assert store.get(zone=Zone.ARCHIVE, sha256=stored.sha256) == BUNDLE


def test_every_bucket_keeps_versions_and_only_the_archive_is_locked(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="buckets"))
    for zone in Zone:
        store.put(zone=zone, data=BUNDLE, media_type="text/plain")
    client = store._connection.client

    versioned = {zone for zone in Zone if client.get_bucket_versioning(f"buckets-{zone}").status == "Enabled"}
    client.get_object_lock_config("buckets-archive")
    with pytest.raises(S3Error):
        client.get_object_lock_config("buckets-documents")

    assert versioned == set(Zone)


def test_object_of_several_parts_is_archived_whole_and_locked(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="parts"))
    data = bytes(range(256)) * (4 * 1024 * 18)  # 18 MiB: two parts

    stored = store.archive(data=data, media_type="application/zip", retain_until=UNTIL)

    assert stored.size == len(data)
    assert store.retained_until(sha256=stored.sha256) == UNTIL
    with pytest.raises(S3Error, match="AccessDenied"):
        store._connection.client.remove_object("parts-archive", stored.key, version_id=stored.version_id)


def test_governance_mode_is_honest_too(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="governed", lock_mode=LockMode.GOVERNANCE))

    stored = store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)

    assert store.probe().honest
    assert store.retained_until(sha256=stored.sha256) == UNTIL


def test_archive_bucket_made_without_object_lock_is_found_out(s3: EmbeddedS3) -> None:
    """Somebody made the bucket by hand and forgot the lock: archiving refuses, the details say why."""
    store = S3DocumentStore(s3.settings(bucket_prefix="forgotten"))
    store._connection.client.make_bucket("forgotten-archive")

    with pytest.raises(DataFault) as caught:
        store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)

    assert caught.value.code == "storage.lying"
    assert [detail.problem for detail in caught.value.details] == ["归档存储区没有启用对象锁定"]


def test_server_that_forgets_retention_after_an_honest_probe_is_found_out(
    s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="turncoat"))
    assert store.probe().honest
    client = store._connection.client
    upload = client.put_object
    monkeypatch.setattr(client, "put_object", lambda *args, retention=None, **rest: upload(*args, **rest))

    with pytest.raises(DataFault) as caught:
        store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)

    assert caught.value.code == "storage.lying"
    assert [detail.problem for detail in caught.value.details] == ["归档文件的保留期读不回来或短于要求"]


def test_retention_with_nine_fraction_digits_is_read(s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ceph RGW writes them; the SDK's own parser raises."""
    store = S3DocumentStore(s3.settings(bucket_prefix="fractions"))
    stored = store.archive(data=BUNDLE, media_type="application/zip", retain_until=UNTIL)
    client = store._connection.client
    ask = client._execute

    class Answer:
        data = (
            b"<Retention><Mode>COMPLIANCE</Mode>"
            b"<RetainUntilDate>2046-12-31T15:59:59.123456789Z</RetainUntilDate></Retention>"
        )

    def nine_digits(*args: object, **rest: Any) -> object:
        return Answer() if "retention" in rest.get("query_params", {}) else ask(*args, **rest)

    monkeypatch.setattr(client, "_execute", nine_digits)

    assert store.retained_until(sha256=stored.sha256) == UNTIL


def test_a_day_that_is_not_wholly_covered_does_not_count(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="halfday"))
    stored = store.put(zone=Zone.ARCHIVE, data=BUNDLE, media_type="application/zip")
    noon = Retention("COMPLIANCE", datetime(2046, 12, 31, 4, tzinfo=UTC))  # 12:00 in Shanghai
    store._connection.client.set_object_retention("halfday-archive", stored.key, noon)

    assert store.retained_until(sha256=stored.sha256) == date(2046, 12, 30)


def test_short_hiccups_are_retried(s3: EmbeddedS3, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3DocumentStore(replace(s3.settings(bucket_prefix="hiccup"), retry_pauses=(0.01, 0.01)))
    stored = store.put(zone=Zone.INTAKE, data=BUNDLE, media_type="text/plain")
    client = store._connection.client
    fetch, failures = client.get_object, iter([ProtocolError("cut off"), ProtocolError("cut off")])

    def stumble(*args: object, **rest: object) -> object:
        for failure in failures:
            raise failure
        return fetch(*args, **rest)

    monkeypatch.setattr(client, "get_object", stumble)

    assert store.get(zone=Zone.INTAKE, sha256=stored.sha256) == BUNDLE


def test_wrong_secret_is_a_fault_to_look_at_not_a_server_away(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(replace(s3.settings(bucket_prefix="stranger"), secret_key="guessed"))

    with pytest.raises(DataFault) as caught:
        store.put(zone=Zone.INTAKE, data=BUNDLE, media_type="text/plain")

    assert caught.value.code == "storage.refused"
    assert "guessed" not in str(caught.value.as_json())


def test_same_size_forgery_in_a_put_is_not_repaired_silently(s3: EmbeddedS3) -> None:
    """Put skips by size alone; what it would have hidden, get finds."""
    store = S3DocumentStore(s3.settings(bucket_prefix="forged"))
    stored = store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")
    forged = BUNDLE[::-1]
    store._connection.client.put_object("forged-documents", stored.key, io.BytesIO(forged), len(forged))

    store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")

    with pytest.raises(DataFault, match="校验值不符"):
        store.get(zone=Zone.DOCUMENTS, sha256=stored.sha256)


def test_truncated_object_is_written_again(s3: EmbeddedS3) -> None:
    store = S3DocumentStore(s3.settings(bucket_prefix="cut"))
    stored = store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")
    store._connection.client.put_object("cut-documents", stored.key, io.BytesIO(b"short"), 5)

    store.put(zone=Zone.DOCUMENTS, data=BUNDLE, media_type="text/plain")

    assert store.get(zone=Zone.DOCUMENTS, sha256=stored.sha256) == BUNDLE


@pytest.mark.parametrize("prefix", ["", "A", "Upper-case", "-dash", "a" * 60, "under_score"])
def test_bucket_prefix_that_no_server_takes_is_refused(prefix: str) -> None:
    with pytest.raises(Refusal, match="bucket_prefix"):
        S3Settings(endpoint="127.0.0.1:1", access_key="a", secret_key="b", bucket_prefix=prefix)


def test_endpoint_with_scheme_is_refused() -> None:
    with pytest.raises(Refusal, match="endpoint"):
        S3Settings(endpoint="http://127.0.0.1:1", access_key="a", secret_key="b")


def test_settings_do_not_print_the_secret() -> None:
    settings = S3Settings(endpoint="127.0.0.1:1", access_key="a", secret_key="very-secret")

    assert "very-secret" not in repr(settings)
