"""A wrongly set up installation says which variable, and what it must be; values never show."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.bootstrap import open_services
from infra.settings import Mode, Settings, SettingsFault

_DATABASE = "LIFECYCLE_DATABASE_URL"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIFECYCLE_MODE", "prod!"),
        ("LIFECYCLE_HOME", "/dev/null/home"),
        ("LIFECYCLE_S3_SECURE", "perhaps"),
        ("LIFECYCLE_S3_ENDPOINT", "http://127.0.0.1:9000"),
        ("LIFECYCLE_FONT_DIR", "/dev/null"),
        ("LIFECYCLE_SIGNING_KEY", "/dev/null/key.pem"),
        (_DATABASE, "no database at all"),
        (_DATABASE, "mysql://root:secret@127.0.0.1/x"),
        (_DATABASE, "postgresql://root:secret@127.0.0.1/x"),
        (_DATABASE, "postgresql+psycopg://root:secret@127.0.0.1:port/x"),
        (_DATABASE, "sqlite:////dev/null/x.db"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsFault) as caught:
        Settings()

    fault = caught.value
    assert (fault.code, fault.exit_code) == ("settings.invalid", 2)
    assert variable in fault.message
    assert "应为" in fault.way_out
    assert value not in fault.message + fault.way_out


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFECYCLE_MODE", "prod")
    monkeypatch.setenv("LIFECYCLE_S3_SECURE", "perhaps")

    with pytest.raises(SettingsFault) as caught:
        Settings()

    assert [detail.field for detail in caught.value.details] == ["LIFECYCLE_MODE", "LIFECYCLE_S3_SECURE"]


def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "not" / "yet" / "there"))
    monkeypatch.setenv(_DATABASE, "postgresql+psycopg://root:secret@127.0.0.1:5432/x")

    assert Settings().mode is Mode.REHEARSAL


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"region": "999999"}, "settings.invalid"),
        ({"s3_endpoint": "127.0.0.1:1", "s3_bucket_prefix": "Prefix!"}, "storage.bad_settings"),
    ],
)
def test_what_only_shows_at_the_start_is_a_fault_of_the_set_up_too(
    tmp_path: Path, settings: dict[str, str], code: str
) -> None:
    with pytest.raises(SettingsFault) as caught, open_services(Settings(home=tmp_path, **settings)):  # type: ignore[arg-type]
        pass

    assert (caught.value.code, caught.value.exit_code) == (code, 2)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    garbage = tmp_path / "notes.db"
    garbage.write_text("会议记录" * 1_000, "utf-8")

    with (
        pytest.raises(SettingsFault) as caught,
        open_services(Settings(home=tmp_path, database_url=f"sqlite:///{garbage}")),
    ):
        pass

    assert _DATABASE in caught.value.message


def test_a_damaged_key_file_is_a_fault_of_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    keys = tmp_path / "keys" / "vault.json"
    keys.write_text("{}", "utf-8")
    keys.chmod(0o600)

    with pytest.raises(SettingsFault) as caught, open_services(Settings(home=tmp_path)):
        pass

    assert (caught.value.code, caught.value.exit_code) == ("vault.bad_key", 2)


def test_production_without_a_key_for_its_store_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault) as caught:
        Settings(home=tmp_path, mode=Mode.PRODUCTION, s3_endpoint="127.0.0.1:1", s3_access_key="account")

    assert "LIFECYCLE_S3_SECRET_KEY" in caught.value.message
