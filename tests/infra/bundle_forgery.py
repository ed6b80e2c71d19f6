"""A signing key and a forger for tests of bundles. Not a test itself."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from reports import bundle_layout as layout


class Key:
    """A self-signed P-256 key, expired on purpose: an archive outlives its certificates."""

    def __init__(self, name: str) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(subject, subject, self.private.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(datetime(2016, 1, 1, tzinfo=UTC))
        builder = builder.not_valid_after(datetime(2017, 1, 1, tzinfo=UTC))
        self.certificate = builder.sign(self.private, hashes.SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def sign(self, data: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(self.certificate, self.private, hashes.SHA256())
        return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])


def rewrite_manifests(bag: Path) -> None:
    """What a forger does: make every digest fit again."""
    for name, algorithm in ((layout.MANIFEST, "sha256"), (layout.SM3_MANIFEST, "sm3")):
        lines = []
        for file in sorted(path for path in (bag / "data").rglob("*") if path.is_file()):
            found = hashlib.new(algorithm, file.read_bytes()).hexdigest()
            lines.append(layout.manifest_line(found, file.relative_to(bag).as_posix()))
        (bag / name).write_text("".join(lines))
    tags = [path for path in bag.rglob("*") if path.is_file() and path.relative_to(bag).parts[0] not in {"data"}]
    lines = [
        layout.manifest_line(hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(bag).as_posix())
        for path in sorted(tags)
        if path.name != layout.TAG_MANIFEST and "signatures" not in path.parts
    ]
    (bag / layout.TAG_MANIFEST).write_text("".join(lines))
