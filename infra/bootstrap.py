"""Builds the services once per process or task from settings: the only place where adapters meet ports.

``open_services`` is a context manager: what it started it stops, what already ran it leaves running. A production
start is refused until every unconfirmed policy value has been confirmed (decision 18).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, OperationalError

from infra.clock import DrivenClock, SystemClock, is_driven
from infra.database import create_database_engine, migrate
from infra.plan_solver import HighsSolver
from infra.seeds import DerivedSeeds, SecretSeeds
from infra.settings import Mode, Settings, SettingsFault, settings_fault
from infra.storage import LockMode, S3DocumentStore, S3Settings
from models.context import Services
from models.core.calendar import load_calendar
from models.core.errors import Detail, Refusal, Transient
from models.policy.resolver import load_policy_book
from models.ports import Clock, Notifier, Signer, Vault
from models.queries.chains import has_events
from models.queries.policy import unconfirmed


@contextmanager
def open_services(settings: Settings, *, for_policy: bool = False) -> Iterator[Services]:
    """Yield the services of an installation; servers and pools it opened are closed on leaving.

    In production raises ``Refusal`` ``bootstrap.unconfirmed_policy`` while values wait for confirmation (``for_policy``
    lets in those who come to confirm them). Always ``SettingsFault`` (a ``Refusal``) for an installation that is set up
    wrongly, and ``Transient`` when a server does not answer.
    """
    from infra.bundle_check import CheckedBundler
    from infra.quality.gate import GreatExpectationsGate
    from reports.renderer import PaperRenderer

    with ExitStack() as stack:
        engine = _engine(settings)
        stack.callback(engine.dispose)
        _migrate(engine)
        policies = load_policy_book()
        if settings.region not in policies.regions():
            raise settings_fault("region")
        if settings.mode is Mode.PRODUCTION:
            _check_production(engine, settings, for_policy=for_policy)
        driven = settings.mode is Mode.REHEARSAL and is_driven(engine)
        clock: Clock = DrivenClock(engine) if driven else SystemClock()
        with _set_up():
            vault, signer = _vault(settings, engine), _signer(settings)
        yield Services(
            engine=engine,
            documents=S3DocumentStore(_s3(settings, stack)),
            renderer=PaperRenderer(font_dir=settings.font_dir),
            gate=GreatExpectationsGate(),
            vault=vault,
            signer=signer,
            bundler=CheckedBundler(),
            clock=clock,
            policies=policies,
            calendar=load_calendar(),
            region=settings.region,
            rehearsal=settings.mode is Mode.REHEARSAL,
            seeds=DerivedSeeds() if settings.mode is Mode.REHEARSAL else SecretSeeds(),
            solver=HighsSolver(),
            notifier=_notifier(settings),
        )


def _migrate(engine: Engine) -> None:
    try:
        migrate(engine)
    except DatabaseError as err:
        if _is_no_database(err):
            raise settings_fault("database_url") from err
        if not isinstance(err, OperationalError):
            raise
        raise Transient("kernel.database_away", rule="SYS-DATABASE") from err


def _engine(settings: Settings) -> Engine:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise settings_fault("home") from err
    try:
        return create_database_engine(settings.database)
    except OSError as err:
        raise settings_fault("database_url") from err


def _is_no_database(err: DatabaseError) -> bool:
    return any(said in str(err.orig) for said in ("file is not a database", "unable to open database file"))


@contextmanager
def _set_up() -> Iterator[None]:
    """What key files and store settings are refused for, the administrator mends: tell it as a fault of the set-up."""
    try:
        yield
    except SettingsFault:
        raise
    except Refusal as err:
        raise SettingsFault(err.code, rule=err.rule, facts=err.facts, details=err.details) from err
    except OSError as err:
        raise settings_fault("home") from err


def _check_production(engine: Engine, settings: Settings, *, for_policy: bool) -> None:
    if is_driven(engine):
        raise SettingsFault("bootstrap.rehearsal_database", rule="SYS-REHEARSAL")
    today = SystemClock().now().date()
    waiting = () if for_policy else unconfirmed(engine, load_policy_book(), region=settings.region, on=today)
    if waiting:
        raise Refusal(
            "bootstrap.unconfirmed_policy",
            rule="SYS-POLICY-UNCONFIRMED",
            facts={"count": len(waiting), "first": "、".join(leaf.key for leaf in waiting[:5])},
            details=tuple(
                Detail(problem=leaf.meaning, field=leaf.key, rule="SYS-POLICY-UNCONFIRMED") for leaf in waiting
            ),
        )


def _vault(settings: Settings, engine: Engine) -> Vault:
    from infra.vault import load_or_create_keys

    keys = settings.home / "keys" / "vault.json"
    if not keys.exists() and settings.mode is Mode.PRODUCTION and has_events(engine):
        raise SettingsFault("bootstrap.vault_keys_missing", rule="SYS-VAULT-KEYS", facts={"path": keys})
    return load_or_create_keys(keys)


def _notifier(settings: Settings) -> Notifier | None:
    url = settings.notify_url.get_secret_value()
    if not url:
        return None
    from infra.notifier import AppriseNotifier

    try:
        return AppriseNotifier(url)
    except ValueError:
        raise settings_fault("notify_url") from None


def _signer(settings: Settings) -> Signer:
    from infra.signing import load_or_create_test_signer, load_signer

    if settings.signing_key is not None:
        return load_signer(settings.signing_key)
    if settings.mode is Mode.PRODUCTION:
        raise SettingsFault("bootstrap.signing_key_missing", rule="SYS-SIGNING-KEY")
    return load_or_create_test_signer(settings.home / "keys" / "signer")


def _s3(settings: Settings, stack: ExitStack) -> S3Settings:
    mode = LockMode.COMPLIANCE if settings.mode is Mode.PRODUCTION else LockMode.GOVERNANCE
    if settings.s3_endpoint:
        with _set_up():
            return S3Settings(
                endpoint=settings.s3_endpoint,
                access_key=settings.s3_access_key,
                secret_key=settings.s3_secret_key.get_secret_value(),
                region=settings.s3_region,
                secure=settings.s3_secure,
                bucket_prefix=settings.s3_bucket_prefix,
                lock_mode=mode,
            )
    from infra.embedded.seaweed import EmbeddedS3

    server = stack.enter_context(EmbeddedS3(settings.home / "s3"))
    return server.settings(bucket_prefix=settings.s3_bucket_prefix, lock_mode=mode)


def present_day(settings: Settings) -> date:
    """Return today in Asia/Shanghai, or the driven day of a rehearsal database."""
    engine = _engine(settings)
    try:
        _migrate(engine)
        driven = settings.mode is Mode.REHEARSAL and is_driven(engine)
        return (DrivenClock(engine) if driven else SystemClock()).now().date()
    finally:
        engine.dispose()
