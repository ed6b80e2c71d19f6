"""Columns of the frame for checks that look at more than one cell: agreement, duplicates, sums.

Each is a column of booleans named ``key.<what should be true>``, true where there is nothing to compare, so that one
wrong cell gives one fault. Called by ``gate`` before the expectations run; the verdict is theirs, not this module's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pandas as pd

from infra.quality.frame import Frame

Frames = Mapping[str, Frame]
Deriver = Callable[[Frames, date, Mapping[str, int]], None]


def needs_ledger(frames: Frames, as_of: date, parameters: Mapping[str, int]) -> None:
    """Add the columns of the needs ledger. ``parameters``: ``adult_from``, in years."""
    data = frames["rows"].data
    number, birth = data["id_number.value"], data["birth_date.value"]
    id_birth = pd.to_datetime(number.str[6:14], format="%Y%m%d").astype("datetime64[s]")
    for key in ("birth_date", "assessed_on"):  # compared here: the engine compares dates one by one, in Python
        day = data[f"{key}.value"]
        data[f"{key}.by_then"] = day.isna() | (day <= pd.Timestamp(as_of))
    data["birth_date.agrees"] = birth.isna() | id_birth.isna() | (birth == id_birth)
    id_sex = number.str[16].map({str(digit): ("female", "male")[digit % 2] for digit in range(10)})
    sex = data["sex.value"]
    data["sex.agrees"] = sex.isna() | id_sex.isna() | (sex == id_sex)
    data["id_number.twin"] = _twin(frames["rows"], number)
    data["household_no.one_place"] = _one_place(data)
    wants = data["demands.value"].map(bool)
    data["demands.named"] = wants | (data["willing.value"].map(lambda value: value is not True))
    for flag, hardship in (("disabled", "hardship_disability"), ("severely_ill", "hardship_disease")):
        flagged = data[f"{flag}.value"].map(lambda value: value is True)
        data[f"{hardship}.agrees"] = ~(flagged & (data[f"{hardship}.value"] == "NONE"))
    pupil = data["single_parent_student.value"].map(lambda value: value is True)
    grown = birth.fillna(id_birth) <= pd.Timestamp(as_of) - pd.DateOffset(years=parameters["adult_from"])
    data["single_parent_student.is_minor"] = ~(pupil & grown)


def _twin(frame: Frame, number: pd.Series) -> pd.Series:
    """Return for each row the file's row number of another row with the same ID number, 0 when there is none."""
    rows = pd.Series(list(frame.table.rows), dtype="int64")
    twin = pd.Series(0, index=number.index, dtype="int64")
    double = number.notna() & number.duplicated(keep=False)
    if double.any():
        groups = rows[double].groupby(number[double])
        first, last = groups.transform("first"), groups.transform("last")
        twin[double] = first.where(first != rows[double], last)
    return twin


def _one_place(data: pd.DataFrame) -> pd.Series:
    """True where everybody of the household is in one street of one region, or the household is not given."""
    household = data["household_no.value"]
    place = data["region_code.value"].str.cat(data["street.value"], sep="|")
    first = place.groupby(household).transform("first")
    return household.isna() | place.isna() | (place == first)


def application_form(frames: Frames, _as_of: date, _parameters: Mapping[str, int]) -> None:
    """Add the columns of the application form: the budget's sum, the order of the two dates."""
    form, budget = frames["form"], frames["budget"]
    amounts = budget.values["amount"]
    total = form.values["total"][0]
    complete = total is not None and all(isinstance(amount, int) for amount in amounts)
    form.data["total.agrees"] = not complete or sum(amount for amount in amounts if isinstance(amount, int)) == total
    starts, ends = form.data["starts_on.value"], form.data["ends_on.value"]
    form.data["ends_on.after_start"] = starts.isna() | ends.isna() | (starts <= ends)


def service_records(_frames: Frames, _as_of: date, _parameters: Mapping[str, int]) -> None:
    """Add nothing: what needs more than one cell is checked by the rules of delivery, whatever way records come in."""


DERIVERS: Mapping[str, Deriver] = {
    "needs_ledger": needs_ledger,
    "application_form": application_form,
    "service_records": service_records,
}
