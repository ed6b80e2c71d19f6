"""The channel alerts leave by: Apprise behind the ``Notifier`` port, with the address as part of its URL.

Built by ``infra.bootstrap`` from the setting ``notify_url``. Apprise answers yes or no only; why it was no stands in
its own log, which is caught here for that, and goes nowhere else, for it names addresses.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any, Final
from urllib.parse import quote

from models.core.errors import Transient
from models.ports import Delivery

PLACE: Final = "{address}"
"""Where the address stands in the URL."""

_REFUSED: Final = re.compile(r"Socket Exception: \{.*?\((\d)\d\d, ")
"""How the server's answer about the one recipient reads in Apprise's log; anything else is about the server or us."""


class AppriseNotifier:
    """Sends by the service an Apprise URL names. Raises ``ValueError`` for a URL Apprise cannot use."""

    def __init__(self, url: str) -> None:
        self._url = url
        if PLACE not in url:
            raise ValueError(f"no {PLACE} in the URL")
        with _Caught():
            if self._service("somebody@example.org") is None:
                raise ValueError("not an Apprise URL")

    def notify(self, *, address: str, title: str, body: str, number: str) -> Delivery:
        """Send one plain text; see the port. By mail ``number`` is its Message-ID; no other channel has one."""
        from apprise import NotifyFormat

        plain = NotifyFormat.TEXT
        with _Caught() as caught, _numbered(number):
            service = self._service(address)
            if service is None or getattr(service, "targets", None) == []:  # what is no address is dropped by Apprise
                return Delivery.BOUNCED
            service.notify_format = plain
            if service.notify(body=body, title=title, body_format=plain):
                return Delivery.SENT
            told = caught.text()
        if (refused := _REFUSED.search(told)) is not None:
            return Delivery.BOUNCED if refused[1] == "5" else Delivery.DEFERRED
        raise Transient("notify.away", rule="SYS-NOTIFY")

    def _service(self, address: str) -> Any:
        from apprise import Apprise, AppriseAsset

        asset = AppriseAsset(app_id="lifecycle", app_desc="", app_url="", secure_logging=True)
        with warnings.catch_warnings():  # services are imported at their first use, some of what is going out of Python
            warnings.simplefilter("ignore", DeprecationWarning)
            return Apprise.instantiate(self._url.replace(PLACE, quote(address, safe="")), asset=asset)


@contextmanager
def _numbered(number: str) -> Iterator[None]:
    """Give mail sent in the block a stable Message-ID: Apprise makes up another each time, and takes none as given."""
    from apprise.plugins.email import base

    def stable(idstring: str | None = None, domain: str | None = None) -> str:
        return f"<{number}@{domain or 'localhost'}>"

    made_up = vars(base)["make_msgid"]
    vars(base)["make_msgid"] = stable
    try:
        yield
    finally:
        vars(base)["make_msgid"] = made_up


class _Caught:
    """Catches what Apprise logs inside the block and keeps it from every other log."""

    def __enter__(self) -> _Caught:
        self._log = logging.getLogger("apprise")
        self._kept = StringIO()
        self._handler = logging.StreamHandler(self._kept)
        self._before = (self._log.level, self._log.propagate, self._log.handlers)
        self._log.handlers, self._log.propagate = [self._handler], False
        self._log.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ValueError):
            self._handler.flush()
        level, self._log.propagate, self._log.handlers = self._before
        self._log.setLevel(level)

    def text(self) -> str:
        """Return what was logged so far."""
        return self._kept.getvalue()
