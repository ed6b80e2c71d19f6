"""How a field of personal data is masked for an audience: the styles of policy (``publicity.mask_*``) on one value.

Called by read models and by commands that print lists. A field policy does not name is not shown at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from models.core.errors import Refusal
from models.core.identifiers import Audience, find_leaks, mask_bank_card, mask_id_card, mask_name

_OMIT: Final = "omit"
_BLOT: Final = "＊"
_STYLES: Final[Mapping[str, Callable[[str], str]]] = {
    "clear": lambda text: text,
    "village": lambda text: text,  # what we keep of an address goes no deeper than street or village
    "surname": lambda text: mask_name(text, audience=Audience.PUBLIC),
    "first3_last4": lambda text: mask_id_card(text, audience=Audience.INTERNAL),
    "last4": lambda text: mask_bank_card(text, audience=Audience.INTERNAL),
    _OMIT: lambda text: "",
}


def masked(*, field: str, text: str, styles: Mapping[str, str]) -> str:
    """Return ``text`` as the audience of ``styles`` (field → style) may read it.

    Raises ``KeyError`` for a style this module does not know: policy must not invent one silently.
    """
    return _STYLES[styles.get(field, _OMIT)](text)


def redacted(text: str) -> str:
    """Return a free text with every personal number in it (ID card, mobile, bank card) blotted out character by
    character; the rest stands as written.
    """
    for leak in find_leaks(text):
        text = text[: leak.start] + _BLOT * (leak.end - leak.start) + text[leak.end :]
    return text


def check_impersonal(*, reason: str) -> None:
    """Refuse a reason with a personal number in it: reasons are kept in clear and read by every role inside.

    Raises ``Refusal`` ``kernel.reason_names_person`` (SYS-PERSONAL-DATA).
    """
    if find_leaks(reason):
        raise Refusal("kernel.reason_names_person", rule="SYS-PERSONAL-DATA")
