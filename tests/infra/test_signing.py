"""Signatures an auditor checks with openssl, and a test key nobody can mistake for a real one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infra.signing import CmsSigner, load_or_create_test_signer, load_signer
from models.core.errors import Refusal

MANIFEST = "f" * 64 + "  bagit.txt\n"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def _openssl_accepts(
    folder: Path, signer: CmsSigner, signature: bytes, content: bytes
) -> subprocess.CompletedProcess[str]:
    (folder / "root.pem").write_bytes(_PEM.findall(signer.certificate())[-1])
    (folder / "manifest.p7s").write_bytes(signature)
    (folder / "manifest.txt").write_bytes(content)
    command = "openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.txt -CAfile root.pem"
    return subprocess.run(
        [*command.split(), "-out", "verified.txt"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_openssl_verifies_the_detached_signature(tmp_path: Path) -> None:
    signer = load_or_create_test_signer(tmp_path / "signer")
    signature = signer.sign(MANIFEST.encode())

    verdict = _openssl_accepts(tmp_path, signer, signature, MANIFEST.encode())

    assert verdict.returncode == 0, verdict.stderr
    assert MANIFEST.encode() not in signature
    assert (tmp_path / "verified.txt").read_text() == MANIFEST


@pytest.mark.parametrize("content", ["e" * 64 + "  bagit.txt\n", MANIFEST.replace("\n", "\r\n"), ""])
def test_openssl_refuses_other_content(tmp_path: Path, content: str) -> None:
    signer = load_or_create_test_signer(tmp_path / "signer")

    verdict = _openssl_accepts(tmp_path, signer, signer.sign(MANIFEST.encode()), content.encode())

    assert verdict.returncode != 0


def test_signature_of_another_installation_is_refused(tmp_path: Path) -> None:
    ours, theirs = (load_or_create_test_signer(tmp_path / name) for name in ("ours", "theirs"))

    verdict = _openssl_accepts(tmp_path, ours, theirs.sign(MANIFEST.encode()), MANIFEST.encode())

    assert verdict.returncode != 0


def test_test_certificate_says_so_to_everybody_who_looks(tmp_path: Path) -> None:
    signer = load_or_create_test_signer(tmp_path)
    (tmp_path / "chain.pem").write_bytes(signer.certificate())

    shown = subprocess.run(
        ["openssl", "x509", "-in", "chain.pem", "-noout", "-subject", "-issuer", "-nameopt", "utf8"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout.decode()

    assert signer.is_test
    for line in shown.splitlines():
        assert "测试" in line
        assert "TEST ONLY" in line
        assert "测试密钥·无法律效力" in line


def test_test_signer_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    first = load_or_create_test_signer(tmp_path / "signer")
    again = load_or_create_test_signer(tmp_path / "signer")
    files = list((tmp_path / "signer").iterdir())

    assert again.certificate() == first.certificate()
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
    assert files[0].read_bytes().count(b"PRIVATE KEY-----") == 2  # one key, begin and end: the CA key is gone
    assert b"PRIVATE" not in first.certificate()


def test_key_file_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_create_test_signer(tmp_path)
    path = tmp_path / "test-signer.pem"
    path.chmod(0o644)

    with pytest.raises(Refusal) as caught:
        load_signer(path)

    assert caught.value.code == "vault.exposed_file"


def test_key_and_certificate_that_do_not_match_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        load_or_create_test_signer(tmp_path / name)
    pems = [(tmp_path / name / "test-signer.pem").read_bytes() for name in ("a", "b")]
    crossed = pems[0][: pems[0].index(b"-----BEGIN CERT")] + pems[1][pems[1].index(b"-----BEGIN CERT") :]

    for pem in (crossed, b"", b"nonsense"):
        with pytest.raises(Refusal) as caught:
            CmsSigner(pem, source="signer.pem")

        assert caught.value.code == "signing.unusable"
