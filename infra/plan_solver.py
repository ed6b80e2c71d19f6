"""The solver of the quarterly plan: HiGHS on one thread, with a gap limit instead of a time limit and a fixed seed.

Stands behind ``ports.PlanSolver``; HiGHS is loaded when first asked. The same model gives the same answer on every run
(decision 29). The only place where the plan's figures are floats: they come in and go out as whole numbers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from models.rules.plan_model import Model, Solved

_WHOLE: Final = 10_000  # ten-thousandths
_NEARLY: Final = 1e-4  # of one of them: what a whole share may lack by a rounding
_SURE: Final = 0.5
_INFINITY: Final = float("inf")


class HighsSolver:
    """Solves with HiGHS."""

    def solve(self, model: Model, *, gap: str, seed: int) -> Solved | None:
        """Solve a model to a relative gap; ``None`` when nothing is feasible.

        Raises ``RuntimeError`` when HiGHS gives up for any other reason: nothing limits it but the gap.
        """
        import highspy

        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # a binding without types
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", seed),
            ("mip_rel_gap", float(gap)),
            ("mip_abs_gap", 0.0),
        ):
            solver.setOptionValue(option, value)
        scale = max((abs(float(worth)) for worth in model.worths), default=1.0) or 1.0
        solver.passModel(highs_model(model, scale=scale))
        solver.run()
        status = solver.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
            raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(status)}")
        values = list(solver.getSolution().col_value)
        bound = solver.getInfo().mip_dual_bound if model.integers else 0.0
        return Solved(
            columns=[int(value * _WHOLE + _NEARLY) for value in values],
            ones=frozenset(at for at in range(model.integers) if values[at] > _SURE),
            bound=Fraction(bound) * Fraction(scale),
        )


def highs_model(model: Model, *, scale: float = 1.0) -> Any:
    """Return the model as HiGHS takes it; worths are divided by ``scale``, rows by their largest coefficient."""
    import highspy
    import numpy as np

    starts = [0]
    indices: list[int] = []
    values: list[float] = []
    lower: list[float] = []
    upper: list[float] = []
    for row in model.rows:
        by = row.scale
        indices.extend(row.coefficients)
        values.extend([one / by for one in row.coefficients.values()])
        starts.append(len(indices))
        lower.append(-_INFINITY if row.lower is None else row.lower / by)
        upper.append(_INFINITY if row.upper is None else row.upper / by)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.worths), len(model.rows)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.offset_ = float(model.offset) / scale
    lp.col_cost_ = np.array([float(worth) / scale for worth in model.worths])
    lp.col_lower_ = np.array(model.lower, dtype=np.float64)
    lp.col_upper_ = np.array([_INFINITY if one is None else one for one in model.upper], dtype=np.float64)
    lp.row_lower_, lp.row_upper_ = np.array(lower), np.array(upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(starts)
    lp.a_matrix_.index_ = np.array(indices)
    lp.a_matrix_.value_ = np.array(values, dtype=np.float64)
    whole, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    lp.integrality_ = [whole if at < model.integers else real for at in range(len(model.worths))]
    return lp
