"""Personal data at rest: what is sealed opens again, what was altered does not."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from infra.vault import AesGcmVault, load_or_create_keys
from models.core.errors import DataFault, Refusal

OLD, NEW, LOOKUP = b"o" * 32, b"n" * 32, b"l" * 32


def _vault(active: str = "old", **keys: bytes) -> AesGcmVault:
    return AesGcmVault(keys=keys or {"old": OLD}, active=active, lookup_key=LOOKUP)


@pytest.mark.parametrize("text", ["", "合成人员甲", "11010119900307002X", "x" * 10_000])
def test_sealed_text_opens_to_itself_and_shows_nothing(text: str) -> None:
    sealed = _vault().seal(text)

    assert _vault().open(sealed) == text
    assert sealed.startswith("old:")
    assert not text or text not in sealed


def test_sealing_twice_gives_two_values() -> None:
    vault = _vault()

    assert vault.seal("合成人员甲") != vault.seal("合成人员甲")


def test_every_flipped_byte_is_noticed() -> None:
    vault = _vault()
    body = base64.b64decode(vault.seal("合成人员甲").removeprefix("old:"))

    for position in range(len(body)):
        altered = bytearray(body)
        altered[position] ^= 1
        with pytest.raises(DataFault) as caught:
            vault.open(f"old:{base64.b64encode(altered).decode()}")
        assert caught.value.code == "vault.unreadable"


@pytest.mark.parametrize("sealed", ["", "old", "old:", "old:AAAA", "old:不是base64", "gone:AAAA", "合成人员甲"])
def test_what_was_never_sealed_is_a_fault_that_repeats_none_of_it(sealed: str) -> None:
    with pytest.raises(DataFault) as caught:
        _vault().open(sealed)

    assert caught.value.code == "vault.unreadable"
    assert "合成人员甲" not in str(caught.value.as_json())


def test_value_cannot_be_moved_under_another_key_id() -> None:
    vault = _vault(old=OLD, twin=OLD)

    with pytest.raises(DataFault):
        vault.open(vault.seal("合成人员甲").replace("old:", "twin:"))


def test_equal_texts_meet_under_the_lookup_hash_and_other_keys_give_other_hashes() -> None:
    other = AesGcmVault(keys={"old": OLD}, active="old", lookup_key=b"m" * 32)

    assert _vault().lookup("11010119900307002X") == _vault().lookup("11010119900307002X")
    assert _vault().lookup("11010119900307002X") != _vault().lookup("110101199003070038")
    assert _vault().lookup("11010119900307002X") != other.lookup("11010119900307002X")


def test_rotation_reseals_old_values_and_leaves_new_ones() -> None:
    old_value = _vault().seal("合成人员甲")
    both = _vault("new", old=OLD, new=NEW)

    new_value = both.reseal(old_value)

    assert _vault("new", new=NEW).open(new_value) == "合成人员甲"
    assert both.reseal(new_value) == new_value


@pytest.mark.parametrize(
    ("keys", "active", "lookup"),
    [
        ({"old": b"short"}, "old", LOOKUP),
        ({"old": OLD}, "new", LOOKUP),
        ({"old": OLD}, "old", b"short"),
        ({"old": OLD}, "old", OLD),
        ({"a:b": OLD}, "a:b", LOOKUP),
        ({}, "old", LOOKUP),
    ],
)
def test_unusable_keys_are_refused(keys: dict[str, bytes], active: str, lookup: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        AesGcmVault(keys=keys, active=active, lookup_key=lookup)

    assert caught.value.code == "vault.bad_key"


def test_keys_are_read_as_hex_or_base64() -> None:
    vault = AesGcmVault.from_text(keys={"old": OLD.hex()}, active="old", lookup_key=base64.b64encode(LOOKUP).decode())

    assert vault.open(_vault().seal("合成人员甲")) == "合成人员甲"
    assert vault.lookup("x") == _vault().lookup("x")


def test_malformed_key_text_is_refused_without_repeating_it() -> None:
    with pytest.raises(Refusal) as caught:
        AesGcmVault.from_text(keys={"old": "not a key!"}, active="old", lookup_key=LOOKUP.hex())

    assert "not a key!" not in str(caught.value.as_json())


def test_development_keys_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "var" / "vault.json"

    sealed = load_or_create_keys(path).seal("合成人员甲")

    assert load_or_create_keys(path).open(sealed) == "合成人员甲"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["vault.json"]


def test_key_file_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    load_or_create_keys(path)
    path.chmod(0o640)

    with pytest.raises(Refusal) as caught:
        load_or_create_keys(path)

    assert caught.value.code == "vault.exposed_file"


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"keys": {}, "active": "x"}', '{"keys": 1, "active": "x", "lookup_key": ""}']
)
def test_damaged_key_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "vault.json"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(Refusal) as caught:
        load_or_create_keys(path)

    assert caught.value.code == "vault.bad_key"
    assert path.read_text() == content
