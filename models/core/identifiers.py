"""Chinese identifiers: checks, masks, and the scan for personal data in a text about to be published.

ID cards (GB 11643), unified social credit codes (GB 32100), telephone numbers, document numbers (文号). Used by quality
gates, rules, read models and the publication gate. No error, ``repr`` or finding of this module holds the number of a
person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import pairwise

from models.core.malformed import malformed

# --- ID cards -------------------------------------------------------------------------------------------------------

_ID_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_ID_FIRST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class IdCard:
    """A valid ID number. ``region_hint`` is the first six digits: where it was issued, never proof of residence."""

    number: str = field(repr=False)
    birth: date = field(repr=False)
    region_hint: str


def parse_id_card(text: str, *, as_of: date) -> IdCard:
    """Return the ID card written in ``text`` (18 places, x or X): digits, real birth date 1900..``as_of``, check place.

    The region is not checked: tables of regions refuse people whose county was renamed or who hold a residence permit
    (81, 82, 83). Raises ``ValueError`` with type ``id_card.shape``, ``id_card.birth`` or ``id_card.check``.
    """
    number = text.strip().upper()
    if _ID_SHAPE.fullmatch(number) is None:
        raise malformed("id_card.shape")
    birth = _birth(number)
    if birth is None or birth > as_of:
        raise malformed("id_card.birth")
    if not _id_check(number):
        raise malformed("id_card.check")
    return IdCard(number, birth, number[:6])


def _birth(number: str) -> date | None:
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return birth if birth.year >= _ID_FIRST_YEAR else None


def _id_check(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECK[total % 11] == number[17]


# --- social credit codes --------------------------------------------------------------------------------------------

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_SHAPE = re.compile(rf"[{_CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{10}}")
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


class OrganisationType(StrEnum):
    """What kind of organisation a social credit code names, as far as its first two places tell."""

    ASSOCIATION = "association"  # 社会团体
    PRIVATE_NON_PROFIT = "private_non_profit"  # 民办非企业单位(社会服务机构)
    FOUNDATION = "foundation"  # 基金会
    INSTITUTION = "institution"  # 事业单位
    ENTERPRISE = "enterprise"  # 企业
    OTHER = "other"


_ORGANISATION_TYPES = {
    "51": OrganisationType.ASSOCIATION,
    "52": OrganisationType.PRIVATE_NON_PROFIT,
    "53": OrganisationType.FOUNDATION,
    "12": OrganisationType.INSTITUTION,
    "91": OrganisationType.ENTERPRISE,
}


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A valid unified social credit code, in capitals. It names an organisation and is public: it is never masked."""

    code: str

    @property
    def organisation_type(self) -> OrganisationType:
        """The type its prefix names, ``OTHER`` for prefixes this module does not know."""
        return _ORGANISATION_TYPES.get(self.code[:2], OrganisationType.OTHER)


def parse_credit_code(text: str) -> CreditCode:
    """Return the social credit code written in ``text``; lower case is read as capitals.

    Raises ``ValueError`` with type ``credit_code.shape`` or ``credit_code.check``.
    """
    code = text.strip().upper()
    if _CREDIT_SHAPE.fullmatch(code) is None:
        raise malformed("credit_code.shape")
    total = sum(
        _CREDIT_ALPHABET.index(place) * weight for place, weight in zip(code[:17], _CREDIT_WEIGHTS, strict=True)
    )
    if _CREDIT_ALPHABET[-total % 31] != code[17]:
        raise malformed("credit_code.check")
    return CreditCode(code)


# --- telephones and document numbers --------------------------------------------------------------------------------

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})")


def parse_phone(text: str) -> str:
    """Return a mobile number as 11 digits, or a landline as ``0714-6234567``. Spaces and +86 are dropped.

    Only the shape is checked. Raises ``ValueError`` with type ``phone.shape``.
    """
    digits = re.sub(r"\s", "", text)
    digits = re.sub(r"^(?:\+86|0086)-?", "", digits)
    mobile = digits.replace("-", "")
    if _MOBILE.fullmatch(mobile):
        return mobile
    landline = _LANDLINE.fullmatch(digits)
    if landline is None:
        raise malformed("phone.shape")
    return f"{landline[1]}-{landline[2]}"


_DOCUMENT_NUMBER = re.compile(r"([\u4e00-\u9fa5]{2,10})〔([0-9]{4})〕([1-9][0-9]*)号")


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """A 文号: issuing body's code, year, serial. ``str`` gives ``滨民发〔2026〕38号``."""

    authority: str
    year: int
    serial: int

    def __post_init__(self) -> None:
        if _DOCUMENT_NUMBER.fullmatch(str(self)) is None:
            raise malformed("document_number.shape")

    def __str__(self) -> str:
        return f"{self.authority}〔{self.year}〕{self.serial}号"


def parse_document_number(text: str) -> DocumentNumber:
    """Return the 文号 written in ``text``. Raises ``ValueError``: [ ] for 〔〕 and padded serials (038) are refused."""
    match = _DOCUMENT_NUMBER.fullmatch(text.strip())
    if match is None:
        raise malformed("document_number.shape")
    return DocumentNumber(match[1], int(match[2]), int(match[3]))


# --- masks ----------------------------------------------------------------------------------------------------------


class Audience(StrEnum):
    """Who will read it. The public sees a family name at most and no number at all."""

    PUBLIC = "public"
    INTERNAL = "internal"


_DOUBLE_SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳上官司马司徒司空司寇诸葛夏侯皇甫尉迟公孙公羊公冶公西公良慕容长孙宇文令狐钟离端木东方东郭东门南宫南门南荣"
        "西门独孤轩辕百里呼延拓跋赫连澹台濮阳申屠太史太叔仲孙颛孙闻人宗政鲜于闾丘万俟亓官巫马漆雕乐正壤驷宰父谷梁段干"
        "羊舌微生梁丘左丘第五子车夹谷",
    )
)
_INTERPUNCT = re.compile("[·•・‧∙⋅．]")
_LEAST_HIDDEN = 4


def mask_name(name: str, *, audience: Audience) -> str:
    """Return the name as ``audience`` may read it: public 王*, 欧阳*; internal 张*, 张*三, 欧阳*娜, 买买提·**, 古**热.

    A public mask does not tell how long the name is. A name of one character is wholly hidden.
    """
    text = name.strip()
    if len(text) < 2:
        return "*" * len(text)
    point = _INTERPUNCT.search(text)
    double = point is None and len(text) > 2 and text[:2] in _DOUBLE_SURNAMES
    family, given = (text[:2], text[2:]) if double else (text[:1], text[1:])
    if audience is Audience.PUBLIC:
        return f"{family}*"
    if point is not None:
        return f"{text[: point.end()]}**"
    return family + ("*" if len(given) == 1 else "*" * (len(given) - 1) + given[-1])


def mask_id_card(number: str, *, audience: Audience) -> str:
    """Return 110***********002X for internal lists, nothing for the public."""
    return _mask_middle(number, head=3, tail=4, audience=audience)


def mask_phone(number: str, *, audience: Audience) -> str:
    """Return 138****5678 for internal lists, nothing for the public."""
    return _mask_middle(number, head=3, tail=4, audience=audience)


def mask_bank_card(number: str, *, audience: Audience) -> str:
    """Return the last four places for internal lists, nothing for the public."""
    return _mask_middle(number, head=0, tail=4, audience=audience)


def _mask_middle(number: str, *, head: int, tail: int, audience: Audience) -> str:
    if audience is Audience.PUBLIC:
        return ""
    text = number.strip()
    hidden = len(text) - head - tail
    if hidden < _LEAST_HIDDEN:  # too short to show both ends
        return "*" * len(text)
    return text[:head] + "*" * hidden + text[-tail:]


# --- leaks ----------------------------------------------------------------------------------------------------------


class LeakKind(StrEnum):
    """What was found; ``leak.<value>`` of the message catalogue names it."""

    ID_CARD = "id_card"
    MOBILE = "mobile"
    BANK_CARD = "bank_card"


@dataclass(frozen=True, slots=True)
class Leak:
    """A place in a text that holds a personal number: ``text[start:end]``. Never holds the number itself."""

    kind: LeakKind
    start: int
    end: int


_HALF_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")
_HEX_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])[0-9a-f]{16,}(?![0-9A-Za-z])")
_CODE_LIKE = re.compile(r"(?<![0-9A-Za-z])[0-9A-Z]{18}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"[0-9]+(?:[Xx](?![0-9A-Za-z]))?|(?<![0-9A-Za-z])[Xx](?![0-9A-Za-z])")
_GAP = re.compile(r"[\s\u200b-\u200d\ufeff]{1,8}|[-‐‑–]")
_MOBILE_ABROAD = re.compile(r"(?:86|0086)?1[3-9][0-9]{9}")
# issuer prefixes of cards in use in China: UnionPay 62, Visa 4, Mastercard 51–55, and the old ICBC 9558
_BANK_CARD = re.compile(r"62[0-9]{14,17}|4[0-9]{15}(?:[0-9]{3})?|5[1-5][0-9]{14}|9558[0-9]{15}")
_CALLING_CODES = ("86", "0086")
# how people write mobiles; having no check place, any other split is taken for neighbouring figures of a table
_MOBILE_SHAPES = frozenset({(11,), (13,), (15,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5)})
_LONGEST = 19


def find_leaks(text: str) -> list[Leak]:
    """Return where ``text`` holds valid ID numbers, mobile numbers or bank cards, in order, never overlapping.

    Numbers broken by spaces, line ends or hyphens are joined, full-width digits are read. Groups of digits are taken
    whole, so a number inside a longer one (a 17-place project number) is no finding. Hex digests and valid social
    credit codes are passed over. Birth dates are not bounded above here: a leak is a leak.
    """
    plain = _HEX_DIGEST.sub(_blank, text.translate(_HALF_WIDTH))
    plain = _CODE_LIKE.sub(_blank_credit_code, plain)
    return [leak for chain in _chains(plain) for leak in _leaks_in(chain, plain)]


def _blank(match: re.Match[str]) -> str:
    return "~" * len(match[0])


def _blank_credit_code(match: re.Match[str]) -> str:
    if _is_id_number(match[0]):
        return match[0]
    try:
        parse_credit_code(match[0])
    except ValueError:
        return match[0]
    return _blank(match)


def _chains(text: str) -> Iterator[list[re.Match[str]]]:
    """Yield runs of digit groups with nothing but a gap between neighbours."""
    chain: list[re.Match[str]] = []
    for group in _DIGITS.finditer(text):
        if chain and _GAP.fullmatch(text, chain[-1].end(), group.start()) is None:
            yield chain
            chain = []
        chain.append(group)
    if chain:
        yield chain


def _leaks_in(chain: list[re.Match[str]], text: str) -> Iterator[Leak]:
    first = 0
    while first < len(chain):
        found = None
        joined, last = "", first
        while last < len(chain) and len(joined) + len(chain[last][0]) <= _LONGEST:
            joined += chain[last][0]
            last += 1
            kind = _kind_of(joined.upper(), chain[first:last], text)
            if kind is not None:
                found = Leak(kind, chain[first].start(), chain[last - 1].end()), last
        if found is None:
            first += 1
        else:
            leak, first = found
            yield leak


def _kind_of(number: str, groups: list[re.Match[str]], text: str) -> LeakKind | None:
    if _is_id_number(number):
        return LeakKind.ID_CARD
    if _MOBILE_ABROAD.fullmatch(number) and _shape(groups, text) in _MOBILE_SHAPES:
        return LeakKind.MOBILE
    if _BANK_CARD.fullmatch(number) and _luhn(number):
        first, *rest = _shape(groups, text)
        if not rest or first == 6 or {first, *rest[:-1]} == {4}:
            return LeakKind.BANK_CARD
    return None


def _is_id_number(number: str) -> bool:
    return _ID_SHAPE.fullmatch(number) is not None and _birth(number) is not None and _id_check(number)


def _shape(groups: list[re.Match[str]], text: str) -> tuple[int, ...]:
    """Return the lengths of the groups; a single line end, and letter-spacing throughout, break nothing."""
    lengths = [len(group[0]) for group in groups]
    gaps = [text[left.end() : right.start()] for left, right in pairwise(groups)]
    broken = [index for index, gap in enumerate(gaps) if "\n" in gap]
    if len(broken) == 1:
        lengths[broken[0] : broken[0] + 2] = [sum(lengths[broken[0] : broken[0] + 2])]
    if set(lengths) == {1}:
        return (len(lengths),)
    return tuple(lengths[1:] if groups[0][0] in _CALLING_CODES else lengths)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
