"""Checks an archive bundle on disk, zip or folder, and names everything that is wrong with it.

Called by ``lifecycle archive verify`` and by the archive stage after storing. A bad bundle never raises: it gives
findings. Must never change what it checks, and never trust it: reading goes through ``infra.bundle_source``.

A forger who rewrites the payload *and* both manifests is caught only by the expected identity (from a link's answer or
the ledger) or by the CMS signature, which is verified by the ``openssl`` program: ``cryptography`` signs CMS but does
not verify it. Certificate dates are not held against a signature: an archive outlives its certificates.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from infra.bundle_source import Damaged, Finding, OpenedBag, finding, open_bag
from models.core import chain
from models.core.bundle import BundleResult, Inspection
from models.core.messages import sentence
from reports import bundle_layout as layout
from reports.bundle import BagItBundler

_TEST_MARK: Final = "测试"
_OPENSSL_SECONDS: Final = 60


_COMPLETE: Final = "integrity"
_PROPERTIES: Final = ("authenticity", _COMPLETE, "usability", "security")
_PROPERTY: Final = {
    **dict.fromkeys(("other_id", "signature_bad", "signature_missing", "signature_unchecked"), "authenticity"),
    **dict.fromkeys(("certificate_unreadable", "event"), "authenticity"),
    **dict.fromkeys(("unreadable", "no_bag", "declaration"), "usability"),
    **dict.fromkeys(("bomb", "link", "name", "name_twice"), "security"),
}
"""Which property a finding speaks against; every other (missing, extra, altered, counts) against completeness."""


@dataclass(frozen=True)
class BundleCheck:
    """What the check found. ``ok`` means no finding; ``notes`` say what could not be proven and why.

    ``bundle_id`` is the identity as computed from the bundle, ``None`` when it has no tag manifest. ``counts``:
    payload_files, payload_bytes, tag_files, events, signatures (verified ones).
    """

    ok: bool
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    bundle_id: str | None
    counts: Mapping[str, int]

    @property
    def properties(self) -> dict[str, bool]:
        """Say which of the four properties of an electronic record hold: 真实、完整、可用、安全."""
        broken = {_PROPERTY.get(one.code.removeprefix("bundle."), _COMPLETE) for one in self.findings}
        return {name: name not in broken for name in _PROPERTIES}

    def as_json(self) -> dict[str, object]:
        """Return the result as JSON-able values."""
        return asdict(self) | {"properties": self.properties}


def check_bundle(path: Path, *, expected_id: str | None = None, ca_pem: bytes | None = None) -> BundleCheck:
    """Check a bundle at ``path``: a zip, a bag's folder, or a folder that holds one bag. Never raises for a bad one.

    ``expected_id`` is the SHA-256 of the tag manifest from another channel; ``ca_pem`` the certificates to trust for
    the signature, which is then required. Without ``ca_pem`` a signature is checked against its own certificate, and
    a note says what that is worth.
    """
    try:
        with open_bag(path) as bag:
            return _Check(bag).run(expected_id=expected_id, ca_pem=ca_pem)
    except Damaged as fault:
        found = finding(fault.code, path=path.name, facts=fault.facts)
        return BundleCheck(ok=False, findings=(found,), notes=(), bundle_id=None, counts={})


class CheckedBundler(BagItBundler):
    """The ``Bundler`` port: writes bundles and checks them like a stranger."""

    def inspect(self, *, result: BundleResult, data: bytes, signature: bytes, certificate: bytes) -> Inspection:
        """See ``models.ports.Bundler``; what is checked lies on disk as a receiver gets it."""
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / result.zip_name
            for suffix, part in (("", data), (".p7s", signature), (".pem", certificate)):
                bundle.with_name(bundle.name + suffix).write_bytes(part)
            check = check_bundle(bundle, expected_id=result.bundle_id)
        return Inspection(check.properties, tuple((one.path, one.message) for one in check.findings))


class _Check:
    """One run over one bag; collects findings in the order of the checks."""

    def __init__(self, bag: OpenedBag) -> None:
        self._bag = bag
        self._findings = list(bag.findings)
        self._notes: list[Finding] = []
        payload = [path for path in bag.sizes if path.startswith(layout.PAYLOAD)]
        signatures = [path for path in bag.sizes if path.startswith(layout.SIGNATURES)]
        self._payload = frozenset(payload)
        self._tags = frozenset(bag.sizes) - self._payload - frozenset(signatures) - {layout.TAG_MANIFEST}
        self._counts = {
            "payload_files": len(payload),
            "payload_bytes": sum(bag.sizes[path] for path in payload),
            "tag_files": len(self._tags),
            "events": 0,
            "signatures": 0,
        }
        for path in sorted(set(signatures) - {layout.SIGNATURE, layout.CERTIFICATE}):
            self._fault("bundle.extra", path)

    def run(self, *, expected_id: str | None, ca_pem: bytes | None) -> BundleCheck:
        self._check_declaration()
        self._check_bag_info()
        self._check_payload()
        self._check_tags()
        bundle_id = self._check_identity(expected_id)
        self._check_chain()
        self._check_signatures(ca_pem)
        return BundleCheck(
            ok=not self._findings,
            findings=tuple(self._findings),
            notes=tuple(self._notes),
            bundle_id=bundle_id,
            counts=self._counts,
        )

    def _fault(self, code: str, path: str = "", facts: Mapping[str, object] | None = None) -> None:
        self._findings.append(finding(code, path=path, facts=facts))

    def _note(self, code: str, facts: Mapping[str, object] | None = None) -> None:
        self._notes.append(finding(code, facts=facts))

    def _text(self, path: str) -> str | None:
        """Return a tag file's text; ``None``, with a finding, when it is absent or unreadable."""
        if path not in self._bag.sizes:
            self._fault("bundle.missing", path)
            return None
        try:
            return self._bag.text(path)
        except Damaged as fault:
            self._fault(fault.code, path, fault.facts)
            return None

    def _check_declaration(self) -> None:
        text = self._text(layout.BAGIT)
        if text is not None and text.splitlines() != layout.DECLARATION.decode().splitlines():
            self._fault("bundle.declaration", layout.BAGIT)

    def _check_bag_info(self) -> None:
        text = self._text(layout.BAG_INFO)
        if text is None:
            return
        fields = [line.partition(": ")[::2] for line in text.splitlines()]
        for label, value in fields:
            if label == "Synthetic-Content":
                self._note("bundle.note.synthetic", {"value": value})
        stated = [value for label, value in fields if label == "Payload-Oxum"]
        actual = f"{self._counts['payload_bytes']}.{self._counts['payload_files']}"
        if len(stated) != 1:
            self._fault("bundle.oxum_absent", layout.BAG_INFO)
        elif stated[0] != actual:
            self._fault("bundle.oxum", layout.BAG_INFO, {"expected": stated[0], "actual": actual})

    def _manifest(self, path: str, *, of_payload: bool) -> dict[str, str]:
        """Return path → digest of a manifest, with findings for lines it should not have."""
        entries: dict[str, str] = {}
        for number, entry in enumerate(layout.manifest_entries(self._text(path) or ""), start=1):
            if entry is None:
                self._fault("bundle.manifest_line", path, {"line": number})
                continue
            digest, listed = entry
            if listed in entries:
                self._fault("bundle.manifest_twice", listed)
            elif listed.startswith(layout.PAYLOAD) is not of_payload:
                self._fault("bundle.manifest_place", listed)
            entries[listed] = digest
        return entries

    def _check_payload(self) -> None:
        listed = {"sha256": self._manifest(layout.MANIFEST, of_payload=True)}
        if layout.sm3_available() and layout.SM3_MANIFEST in self._bag.sizes:
            listed["sm3"] = self._manifest(layout.SM3_MANIFEST, of_payload=True)
        else:
            self._note("bundle.note.sm3_unchecked")
        self._compare(self._payload, listed)

    def _check_tags(self) -> None:
        self._compare(self._tags, {"sha256": self._manifest(layout.TAG_MANIFEST, of_payload=False)})

    def _compare(self, present: frozenset[str], listed: Mapping[str, Mapping[str, str]]) -> None:
        """Compare files with manifests (algorithm → path → digest): none missing, none extra, none altered."""
        wanted = {path for entries in listed.values() for path in entries}
        for path in sorted(wanted - present):
            self._fault("bundle.missing", path)
        for path in sorted(present):
            if any(path not in entries for entries in listed.values()):
                self._fault("bundle.extra", path)
                continue
            hashes = {algorithm: hashlib.new(algorithm) for algorithm in listed}
            try:
                for block in self._bag.chunks(path):
                    for running in hashes.values():
                        running.update(block)
            except Damaged as fault:
                self._fault(fault.code, path, fault.facts)
                continue
            for algorithm, running in hashes.items():
                if running.hexdigest() != listed[algorithm][path]:
                    self._fault("bundle.altered", path, {"algorithm": algorithm.upper()})

    def _check_identity(self, expected_id: str | None) -> str | None:
        tagmanifest = self._tagmanifest()
        if tagmanifest is None:
            return None
        actual = hashlib.sha256(tagmanifest).hexdigest()
        if expected_id is None:
            self._note("bundle.note.no_id")
        elif expected_id.strip().lower() != actual:
            self._fault("bundle.other_id", layout.TAG_MANIFEST, {"expected": expected_id.strip(), "actual": actual})
        return actual

    def _tagmanifest(self) -> bytes | None:
        """Return the tag manifest's bytes, ``None`` where a finding already says it cannot be read."""
        if layout.TAG_MANIFEST not in self._bag.sizes:
            return None
        try:
            return self._bag.read(layout.TAG_MANIFEST)
        except Damaged:
            return None

    def _check_chain(self) -> None:
        if layout.EVENTS not in self._bag.sizes:
            self._fault("bundle.missing", layout.EVENTS)
            return
        try:
            broken = chain.first_break(self._events())
        except Damaged as fault:
            self._fault(fault.code, layout.EVENTS, fault.facts)
            return
        if broken:
            facts = {"line": broken.line, "event": broken.event_id, "reason": sentence(broken.reason)}
            self._fault("bundle.event", layout.EVENTS, facts)

    def _events(self) -> Iterator[Mapping[str, object]]:
        for line in self._bag.lines(layout.EVENTS):
            self._counts["events"] += 1
            yield _event(line)

    def _check_signatures(self, ca_pem: bytes | None) -> None:
        signatures = self._signatures()
        tagmanifest = self._tagmanifest()
        if not signatures:
            if ca_pem is None:
                self._note("bundle.note.unsigned")
            else:
                self._fault("bundle.signature_missing")
            return
        if ca_pem is not None and not _certificates(ca_pem):
            self._fault("bundle.certificate_unreadable")
            return
        openssl = shutil.which("openssl")
        if openssl is None:
            if ca_pem is None:
                self._note("bundle.signature_unchecked")
            else:
                self._fault("bundle.signature_unchecked")
            return
        if ca_pem is None:
            self._note("bundle.note.own_certificate")
        for place, signature in signatures.items():
            signers = None if tagmanifest is None else _verified_by(openssl, signature, tagmanifest, ca_pem)
            if not signers:
                self._fault("bundle.signature_bad", place)
                continue
            self._counts["signatures"] += 1
            if any(_TEST_MARK in str(part.value) for signer in signers for part in signer.subject):
                self._note("bundle.note.test_key")

    def _signatures(self) -> dict[str, bytes]:
        """Return place → CMS bytes of every signature found: inside the bag and beside it."""
        found: dict[str, bytes] = {}
        if layout.SIGNATURE in self._bag.sizes:
            try:
                found[layout.SIGNATURE] = self._bag.read(layout.SIGNATURE)
            except Damaged as fault:
                self._fault(fault.code, layout.SIGNATURE, fault.facts)
        for base in self._bag.beside:
            beside = base.with_name(f"{base.name}.p7s")
            if not beside.is_file():
                continue
            try:
                found[beside.name] = beside.read_bytes()
            except OSError:
                self._fault("bundle.unreadable", beside.name, {"reason": sentence("bundle.reason.damaged")})
        return found


def _event(line: bytes) -> Mapping[str, object]:
    """Parse one line; what is no JSON object, or names a field twice, comes back empty and so breaks the chain."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a field is named twice")
        return dict(pairs)

    try:
        event = json.loads(line, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _verified_by(openssl: str, signature: bytes, content: bytes, ca_pem: bytes | None) -> list[x509.Certificate]:
    """Return the certificates that signed ``content``, empty when the signature does not hold.

    With ``ca_pem`` the signer must chain to one of its certificates, and to nothing the system happens to trust.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "p7s").write_bytes(signature)
        (place / "content").write_bytes(content)
        (place / "ca").write_bytes(ca_pem or b"")
        command = [openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", "p7s", "-content", "content"]
        command += ["-out", "out", "-signer", "signer"]
        if ca_pem is None:
            command.append("-noverify")
        else:
            command += ["-CAfile", "ca", "-no-CApath", "-no-CAstore", "-partial_chain"]
            command += ["-purpose", "any", "-no_check_time"]
        try:
            run = subprocess.run(command, cwd=place, capture_output=True, timeout=_OPENSSL_SECONDS, check=False)  # noqa: S603 -- fixed arguments, our own files
        except (OSError, subprocess.TimeoutExpired):
            return []
        return _certificates((place / "signer").read_bytes()) if run.returncode == 0 else []
