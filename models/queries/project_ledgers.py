"""The ledgers of one project as they are printed for its file: case plans (D16), service records (L09), money (L08),
costing, supervision (D18), price standard (HS-52).

Called by ``commands.project_ledgers``. Every figure is read here; a ledger without rows is not printed. People are
masked for internal use by policy. Never read by a public page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money, capitals
from models.policy.schema import Policy
from models.ports import Vault
from models.queries.ledger import Granted, granted
from models.queries.papers import Sheet
from models.queries.procurement import purchaser_of
from models.rules import delivery, monitoring
from models.rules.bodies import batch_name, body_name
from models.rules.masking import masked
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, DeliveryStaff, ServiceRecord
from models.tables.evaluation import PriceStandard
from models.tables.feasibility import CostEstimate
from models.tables.funding import BudgetLine, MoneyBack, Payment, PlanLine
from models.tables.monitoring import Supervision
from models.tables.needs import Person, Selection, Survey
from models.tables.procurement import Organisation

Rows = list[dict[str, Any]]
_SERVICE: Final = "delivery.record_services.file"
_PAY: Final = "funding.pay"
_BUDGET: Final = "funding.register_budget.amount"
_PLANNED: Final = "funding.draft_plan.amount"
_COST: Final = "feasibility.estimate_cost"
_PRICES: Final = "evaluation.set_price_standard"
_RECOVERED: Final = "recovered"
_BACK: Final = {_RECOVERED: "funding.recover.amount", "returned": "funding.return_money.amount"}
_UNSTATED: Final = {"stated": False}
_HOUR: Final = 60


@dataclass(frozen=True)
class Printable:
    """One ledger to be printed: its kind, the stage it is filed under, and its view."""

    kind: str
    stage: str
    view: dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """What every ledger is written from: session, the sheet (project, marks, day), policy and vault."""

    session: Session
    sheet: Sheet
    policy: Policy
    vault: Vault

    @property
    def project(self) -> str:
        """The project's id."""
        return self.sheet.project.id

    def cell(self, text: object | None, path: str) -> dict[str, object]:
        """Return a figure with the mark of the argument path it came from."""
        return self.sheet.marks.cell(text, path)


def ledgers(desk: Desk) -> tuple[Printable, ...]:
    """Return every ledger of the project that has rows, in the order of the project's life."""
    return tuple(
        Printable(kind, stage, _view(desk, kind, rows, sources))
        for kind, stage, build, sources in _LEDGERS
        if (rows := build(desk))
    )


def _view(desk: Desk, kind: str, rows: Rows, sources: tuple[str, ...]) -> dict[str, Any]:
    sheet = desk.sheet
    labels = list(sheet.marks.labels(*sources)) if sheet.rehearsal else []
    if sheet.rehearsal and any("person_name" in row for row in rows):
        labels.append(sentence("needs.synthetic_people"))
    return {
        "title": sentence(f"ledger.title.{kind}", {"project": sheet.project.name}),
        "issuer": body_name(policy=desk.policy, role=Role.EVALUATION_OFFICE),
        "date": sheet.on.isoformat(),
        "rehearsal": sheet.rehearsal,
        "synthetic_fields": labels,
        "rows": [{"seq": str(number), **row} for number, row in enumerate(rows, start=1)],
    }


def _people(desk: Desk) -> dict[str, dict[str, Any]]:
    """Return the masked name and number of each person selected for the project, by the person's id."""
    selected = select(Selection.person_id).where(col(Selection.project_id) == desk.project)
    surveys = {row.id: row for row in desk.session.exec(select(Survey))}
    styles = desk.policy.publicity.mask_internal
    return {
        person.id: {
            "person_name": {
                "text": masked(field="name", text=desk.vault.open(person.name_sealed), styles=styles),
                "synthetic": surveys[person.survey_id].synthetic and desk.sheet.rehearsal,
            },
            "id_number": masked(field="id_number", text=desk.vault.open(person.id_number_sealed), styles=styles),
        }
        for person in desk.session.exec(select(Person).where(col(Person.id).in_(selected)))
    }


def _records(desk: Desk) -> Sequence[ServiceRecord]:
    return desk.session.exec(
        select(ServiceRecord)
        .where(col(ServiceRecord.project_id) == desk.project)
        .order_by(
            col(ServiceRecord.served_on),
            col(ServiceRecord.starts_at),
            col(ServiceRecord.person_id),
            col(ServiceRecord.revision),
        )
    ).all()


def _newest(records: Iterable[ServiceRecord]) -> dict[tuple[object, ...], ServiceRecord]:
    """Return the newest revision of each service; later rows of ``records`` are later revisions."""
    return {(row.contract_id, row.person_id, row.served_on, row.starts_at): row for row in records}


def _case_plans(desk: Desk) -> Rows:
    plans = desk.session.exec(
        select(CasePlan)
        .where(col(CasePlan.project_id) == desk.project)
        .order_by(col(CasePlan.planned_on), col(CasePlan.stratum), col(CasePlan.id))
    ).all()
    people = _people(desk)
    served: dict[str, list[ServiceRecord]] = {}
    for record in filter(lambda one: one.minutes, _newest(_records(desk)).values()):
        served.setdefault(record.person_id, []).append(record)
    return [{**people[plan.person_id], **_plan(desk, plan, served.get(plan.person_id, []))} for plan in plans]


def _plan(desk: Desk, plan: CasePlan, served: list[ServiceRecord]) -> dict[str, Any]:
    needs = desk.policy.needs
    kinds, levels, strata = needs.hardship_types, needs.hardship_levels, needs.stratum_names or {}
    items = delivery.item_names(policy=desk.policy)
    asked = [record for record in served if record.satisfied is not None]
    days = [record.served_on for record in served]
    hours = (Decimal(sum(record.minutes for record in served)) / _HOUR).quantize(Decimal("0.1"))
    return {
        "stratum": strata.get(plan.stratum, plan.stratum),
        "hardships": "、".join(
            f"{kinds.get(code, code)}（{levels.get(level, level)}）" for code, level in plan.hardships.items()
        ),
        "services": "、".join(items.get(code, code) for code in plan.services),
        "planned_on": plan.planned_on.isoformat(),
        "times": desk.cell(len(served), _SERVICE),
        "hours": desk.cell(hours if served else None, _SERVICE),
        "first_on": desk.cell(min(days).isoformat() if days else None, _SERVICE),
        "last_on": desk.cell(max(days).isoformat() if days else None, _SERVICE),
        "satisfied": desk.cell(
            f"{sum(bool(record.satisfied) for record in asked)}/{len(asked)}" if asked else None, _SERVICE
        ),
    }


def _services(desk: Desk) -> Rows:
    records = _records(desk)
    newest = {row.id for row in _newest(records).values()}
    people, items = _people(desk), delivery.item_names(policy=desk.policy)
    staff = desk.session.exec(
        select(DeliveryStaff)
        .join(Contract, col(Contract.id) == col(DeliveryStaff.contract_id))
        .where(col(Contract.project_id) == desk.project)
    ).all()
    certified = {(row.contract_id, row.ref): _yes_no(row.qualified) for row in staff}
    styles = desk.policy.publicity.mask_internal

    def row(record: ServiceRecord) -> dict[str, Any]:
        worker = record.contract_id, record.staff_ref
        note = record.correction if record.id in newest else sentence("ledger.superseded")
        place = masked(field="address", text=desk.vault.open(record.place_sealed), styles=styles)
        result = masked(field="diagnosis", text=desk.vault.open(record.result_sealed), styles=styles)
        return {
            **people[record.person_id],
            "served_on": desk.cell(record.served_on.isoformat(), _SERVICE),
            "time": desk.cell(f"{record.starts_at}—{record.ends_at}", _SERVICE),
            "minutes": desk.cell(record.minutes, _SERVICE),
            "item": desk.cell(items.get(record.item, record.item), _SERVICE),
            "staff": desk.cell(record.staff_ref, _SERVICE),
            "qualified": desk.cell(certified.get(worker), "delivery.assign_staff.staff"),
            "place": desk.cell(place, _SERVICE),
            "result": desk.cell(result, _SERVICE),
            "signed": desk.cell(sentence(f"delivery.file.signed.{record.signed_by or 'nobody'}"), _SERVICE),
            "satisfied": desk.cell(_yes_no(record.satisfied), _SERVICE),
            "correction": note or "",
            "recorded_on": record.recorded_on.isoformat(),
        }

    return [row(record) for record in records]


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else sentence("ledger.yes" if value else "ledger.no")


def _money(desk: Desk) -> Rows:
    """The budgets and payments of the project and what went back, channel by channel (channels are never pooled)."""
    budgets = desk.session.exec(select(BudgetLine).where(col(BudgetLine.project_id) == desk.project)).all()
    payments = desk.session.exec(select(Payment).where(col(Payment.project_id) == desk.project)).all()
    lines = desk.session.exec(select(PlanLine).where(col(PlanLine.project_id) == desk.project)).all()
    backs = desk.session.exec(select(MoneyBack).where(col(MoneyBack.project_id) == desk.project)).all()
    by_id = {line.id: line for line in lines}
    rows: Rows = []
    for channel in dict.fromkeys([row.channel for row in budgets] + [row.channel for row in lines]):
        budgeted = paid = Money(0)
        moves: list[tuple[date, str, Payment | MoneyBack]] = [
            *((one.paid_on, one.id, one) for one in payments if by_id[one.plan_line_id].channel == channel),
            *((one.back_on, one.id, one) for one in backs if one.channel == channel),
        ]
        for row in sorted((row for row in budgets if row.channel == channel), key=lambda row: (row.replied_on, row.id)):
            budgeted += Money(row.amount_fen)
            rows.append(_budget_row(desk, row, balance=budgeted))
        for grant in granted(desk.session, project=desk.project, channel=channel):
            budgeted += grant.amount
            rows.append(_grant_row(desk, by_id[grant.line], grant, balance=budgeted))
        for *_, one in sorted(moves, key=lambda entry: (entry[0], isinstance(entry[2], MoneyBack), entry[1])):
            if isinstance(one, Payment):
                paid += Money(one.amount_fen)
                line = by_id[one.plan_line_id]
                rows.append(_payment_row(desk, one, line, balance=budgeted - paid, paid=paid))
                continue
            if one.kind == _RECOVERED:
                paid -= Money(one.amount_fen)
            else:
                budgeted -= Money(one.amount_fen)
            rows.append(_back_row(desk, one, by_id.get(one.plan_line_id or ""), balance=budgeted - paid, paid=paid))
    return rows


def _back_row(desk: Desk, row: MoneyBack, line: PlanLine | None, *, balance: Money, paid: Money) -> dict[str, Any]:
    """What came back from a contractor takes a payment back, what went back to its source an income."""
    amount, recovered = desk.cell((-Money(row.amount_fen)).plain(), _BACK[row.kind]), row.kind == _RECOVERED
    return dict.fromkeys(("income", "paid", "progress", "contractor", "voucher"), "—") | {
        "day": row.back_on.isoformat(),
        "source": desk.policy.funding.sources.get(row.channel, row.channel),
        "category": sentence(f"ledger.{row.kind}"),
        ("paid" if recovered else "income"): amount,
        "balance": desk.cell(balance.plain(), _BACK[row.kind]),
        "total_paid": desk.cell(paid.plain(), _BACK[row.kind]) if recovered else "—",
        "plan_line": batch_name(line.quarter, line.batch) if line else "—",
        "basis": desk.cell(row.reason or None, _BACK[row.kind]),
    }


def _grant_row(desk: Desk, line: PlanLine, grant: Granted, *, balance: Money) -> dict[str, Any]:
    """What a plan line holds or spent of allotments and donations: income as a budget is."""
    return dict.fromkeys(("paid", "total_paid", "progress", "contractor", "basis", "voucher"), "—") | {
        "day": grant.since.isoformat(),
        "source": desk.policy.funding.sources.get(grant.channel, grant.channel),
        "category": sentence("ledger.grant"),
        "income": desk.cell(grant.amount.plain(), _PLANNED),
        "balance": desk.cell(balance.plain(), _PLANNED),
        "plan_line": batch_name(line.quarter, line.batch),
    }


def _budget_row(desk: Desk, row: BudgetLine, *, balance: Money) -> dict[str, Any]:
    return {
        "day": row.replied_on.isoformat(),
        "source": desk.policy.funding.sources.get(row.channel, row.channel),
        "category": sentence("ledger.budget", {"year": row.year}),
        "income": desk.cell(Money(row.amount_fen).plain(), _BUDGET),
        "paid": "—",
        "balance": desk.cell(balance.plain(), _BUDGET),
        "total_paid": "—",
        "progress": "—",
        "plan_line": "—",
        "contractor": "—",
        "basis": row.note or "—",
        "voucher": desk.cell(row.reply_no, "funding.register_budget.reply_no"),
    }


def _payment_row(desk: Desk, row: Payment, line: PlanLine, *, balance: Money, paid: Money) -> dict[str, Any]:
    contract = desk.session.get_one(Contract, row.contract_id)
    contractor = desk.session.get_one(Organisation, contract.organisation_id).name
    return {
        "day": row.paid_on.isoformat(),
        "source": desk.policy.funding.sources.get(line.channel, line.channel),
        "category": sentence("ledger.final_payment" if row.final else "ledger.payment"),
        "income": "—",
        "paid": desk.cell(Money(row.amount_fen).plain(), f"{_PAY}.amount"),
        "balance": desk.cell(balance.plain(), f"{_PAY}.amount"),
        "total_paid": desk.cell(paid.plain(), f"{_PAY}.amount"),
        "progress": desk.cell(row.verified_percent, f"{_PAY}.verified_percent"),
        "plan_line": batch_name(line.quarter, line.batch),
        "contractor": desk.cell(contractor, "procurement.register_bid.organisation"),
        "basis": desk.cell(row.basis, f"{_PAY}.basis"),
        "voucher": _UNSTATED,
    }


def _costing(desk: Desk) -> Rows:
    """The newest costing: its inputs, their sum in figures and capitals, what it was compared with, who was asked."""
    row = desk.session.exec(
        select(CostEstimate)
        .where(col(CostEstimate.project_id) == desk.project)
        .order_by(col(CostEstimate.ordinal).desc())
    ).first()
    if row is None:
        return []
    inputs, asked = desk.policy.feasibility.costing_inputs or {}, desk.policy.feasibility.costing_consultees or {}
    total = Money(row.total_fen)

    def line(category: str, item: str, *, amount: object = "—", note: object = "—") -> dict[str, Any]:
        head = {"category": sentence(f"ledger.cost.{category}"), "item": item}
        return {**head, "amount": amount, "note": note, "estimated_on": row.estimated_on.isoformat()}

    return [
        *(
            line("input", inputs.get(code, code), amount=desk.cell(Money(fen).plain(), f"{_COST}.inputs"))
            for code, fen in row.inputs.items()
        ),
        line(
            "total",
            sentence("ledger.cost.sum"),
            amount=desk.cell(total.plain(), f"{_COST}.total"),
            note=desk.cell(sentence("ledger.cost.capitals", {"amount": capitals(total)}), f"{_COST}.total"),
        ),
        *(line("comparator", item["place"], note=item["note"] or "—") for item in row.comparators),
        *(line("consulted", asked.get(code, code)) for code in row.consulted),
    ]


def _supervision(desk: Desk) -> Rows:
    records = desk.session.exec(
        select(Supervision)
        .where(col(Supervision.project_id) == desk.project)
        .order_by(col(Supervision.inspected_on), col(Supervision.id))
    ).all()
    purchaser = purchaser_of(desk.session, project=desk.project)
    told = "monitoring.record_supervision"
    rows = []
    for record in records:
        names = monitoring.finding_names(line=record.line, policy=desk.policy)
        findings = "；".join(f"{names.get(code, code)}：{text}" for code, text in record.findings.items())
        methods = monitoring.methods_of(line=record.line, policy=desk.policy)
        rows.append(
            {
                "line": desk.policy.monitoring.lines.get(record.line, record.line),
                "phase": desk.policy.monitoring.phases.get(record.phase, record.phase),
                "method": methods.get(record.method, record.method),
                "day": record.inspected_on.isoformat(),
                "inspector": body_name(policy=desk.policy, role=Role(record.recorded_by), purchaser=purchaser),
                "on_behalf": record.on_behalf or "—",
                "findings": desk.cell(findings, f"{told}.findings"),
            }
        )
    return rows


def _prices(desk: Desk) -> Rows:
    standards = desk.session.exec(
        select(PriceStandard).where(col(PriceStandard.project_id) == desk.project).order_by(col(PriceStandard.version))
    ).all()
    return [
        {
            "name": desk.cell(item["name"], f"{_PRICES}.items"),
            "unit": desk.cell(item["unit"], f"{_PRICES}.items"),
            "price": desk.cell(Money(item["price_fen"]).plain(), f"{_PRICES}.items"),
            "version": str(standard.version),
            "set_on": standard.set_on.isoformat(),
        }
        for standard in standards
        for item in standard.items
    ]


_LEDGERS: Final[tuple[tuple[str, str, Callable[[Desk], Rows], tuple[str, ...]], ...]] = (
    ("cost_sheet_xlsx", "feasibility", _costing, (_COST,)),
    ("case_plan_ledger_xlsx", "delivery", _case_plans, ("delivery.plan_cases", "delivery.record_services")),
    ("service_ledger_xlsx", "delivery", _services, ("delivery.record_services", "delivery.assign_staff")),
    (
        "money_ledger_xlsx",
        "funding",
        _money,
        ("funding.register_budget", "funding.draft_plan", _PAY, "procurement.register_bid"),
    ),
    ("supervision_ledger_xlsx", "monitoring", _supervision, ("monitoring.record_supervision",)),
    ("price_standard_xlsx", "evaluation", _prices, (_PRICES,)),
)
