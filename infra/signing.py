"""Detached CMS signatures over a bundle's tag manifest: ``models.ports.Signer``, and a test key that says so.

Built once by ``infra/bootstrap.py``. Real deployments name their own key and chain; rehearsals and the demo use a
generated pair whose subject says 测试 in every field an auditor looks at. ECDSA signatures differ from run to run, so
they stay outside every digest. Must never write a CA key to disk and never call a test key anything else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from infra.private_files import create_private, read_private
from models.core.errors import Refusal
from models.core.messages import sentence

_KEY_FILE = "test-signer.pem"
_TEST_ORGANISATION = "测试密钥·无法律效力"
# A rehearsal signs papers dated years ago, so the test key's validity covers every date the calendar data knows.
_TEST_FROM = datetime(2015, 1, 1, tzinfo=UTC)
_TEST_UNTIL = datetime(2049, 12, 31, tzinfo=UTC)


class CmsSigner:
    """See ``models.ports.Signer``. ``pem`` holds a P-256 private key, the signer's certificate, then its chain."""

    def __init__(self, pem: bytes, *, source: str) -> None:
        try:
            key = load_pem_private_key(pem, password=None)
            chain = x509.load_pem_x509_certificates(pem)
        except (ValueError, TypeError) as err:
            raise _unusable(source, sentence("signing.reason.unreadable")) from err
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise _unusable(source, sentence("signing.reason.curve"))
        if chain[0].public_key() != key.public_key():
            raise _unusable(source, sentence("signing.reason.mismatch"))
        self._key = key
        self._chain = chain

    def sign(self, data: bytes) -> bytes:
        """Return a detached CMS signature in DER (SHA-256, binary, signing time from this machine)."""
        builder = PKCS7SignatureBuilder().set_data(data).add_signer(self._chain[0], self._key, SHA256())
        for issuer in self._chain[1:]:
            builder = builder.add_certificate(issuer)
        return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])

    def certificate(self) -> bytes:
        """Return the chain in PEM, the signer's certificate first."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self._chain)

    @property
    def is_test(self) -> bool:
        """Say whether the signer's certificate is marked as a test certificate."""
        return "测试" in self._chain[0].subject.rfc4514_string()


def load_signer(path: Path) -> CmsSigner:
    """Read key and chain from one PEM file (mode 0600).

    Raises ``Refusal`` (``signing.unusable``, ``vault.exposed_file``).
    """
    return CmsSigner(read_private(path), source=path.name)


def load_or_create_test_signer(directory: Path) -> CmsSigner:
    """Return the test signer of this installation, made on first use; raises as ``load_signer`` does."""
    path = directory / _KEY_FILE
    if not path.exists():
        create_private(path, _test_pem())
    return load_signer(path)


def _test_pem() -> bytes:
    """Return a new leaf key with its certificate and a throwaway CA, whose key ends with this call."""

    authority, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("测试根证书 TEST ONLY CA", authority.public_key(), issuer=None, key=authority)
    signer = _certificate("测试签名证书 TEST ONLY", leaf.public_key(), issuer=root, key=authority)
    private = leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + signer.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)


def _certificate(
    name: str, public: ec.EllipticCurvePublicKey, *, issuer: x509.Certificate | None, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, _TEST_ORGANISATION),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
        ]
    )
    root = issuer is None
    usage = x509.KeyUsage(
        digital_signature=not root,
        content_commitment=not root,
        key_cert_sign=root,
        crl_sign=root,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_TEST_FROM)
        .not_valid_after(_TEST_UNTIL)
        .add_extension(x509.BasicConstraints(ca=root, path_length=0 if root else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _unusable(source: str, reason: str) -> Refusal:
    return Refusal("signing.unusable", facts={"file": source, "reason": reason})
