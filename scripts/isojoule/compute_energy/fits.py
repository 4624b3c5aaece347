"""Affine fits of energy to quantities of compute, and how much each explains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from isojoule.compute_energy.quantities import PREDICTORS, groups

# a line through two points explains everything
FEWEST = 3
# single predictors, and the pair that a roofline would have
EXPLAINING = (*((name,) for name in PREDICTORS), ("flops-exact", "bytes-moved"))


@dataclass(frozen=True)
class Fit:
    """Ordinary least squares with an intercept.

    Attributes:
        coefficients: intercept, then one slope per predictor.
        half_widths: of their 95 % intervals (Student's t).
        r2: share of the variance that the fit explains.
        left_out: what the fit to all the others says of each point, (n,).
        n: number of points.
    """

    coefficients: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    r2: float
    left_out: NDArray[np.float64]
    n: int


def affine(y: ArrayLike, *predictors: ArrayLike) -> Fit | None:
    """Fit y to an affine function; none with too few points, or predictors that do not vary or say the same.

    Points with a value that is not a number are left out.

    Args:
        y: (n,).
        predictors: (n,) each.
    """
    table = np.column_stack([np.asarray(values, dtype=float) for values in (y, *predictors)])
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < FEWEST + len(predictors) - 1:
        return None
    target = table[:, 0]
    scales = np.abs(table[:, 1:]).max(axis=0)
    if not scales.all() or not np.ptp(target):
        return None
    design = np.column_stack([np.ones(len(table)), table[:, 1:] / scales])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    inverse = np.linalg.pinv(design)
    found = inverse @ target
    residuals = target - design @ found
    freedom = len(table) - design.shape[1]
    deviations = np.sqrt(residuals @ residuals / freedom * np.square(inverse).sum(axis=1))
    leverage = np.einsum("ij,ji->i", design, inverse)
    units = np.concatenate([[1.0], 1 / scales])
    with np.errstate(divide="ignore", invalid="ignore"):
        left_out = target - residuals / (1 - leverage)
    return Fit(
        coefficients=found * units,
        half_widths=stdtrit(freedom, 0.975) * deviations * units,
        r2=float(1 - residuals @ residuals / np.square(target - target.mean()).sum()),
        left_out=left_out,
        n=len(table),
    )


def fits(table: pd.DataFrame) -> pd.DataFrame:
    """Energy in joules against every single predictor, per platform, phase, and family or group.

    Args:
        table: as `quantities` gives it.

    Returns:
        one row per fit: `gpu`, `phase`, `predictor`, `families`, `n`, `slope` with the ends of its 95 % interval and
        its `slope_unit`, `intercept_j` with its own, `r2`, and `energy_kind`.
    """
    rows = []
    for gpu, phase, families, part in _parts(table):
        for predictor, (column, unit, _) in PREDICTORS.items():
            fit = affine(part["energy_j"], part[column])
            if fit is None:
                continue
            (intercept, slope), (intercept_half, slope_half) = fit.coefficients, fit.half_widths
            rows.append(
                {
                    "gpu": gpu,
                    "phase": phase,
                    "predictor": predictor,
                    "families": families,
                    "n": fit.n,
                    "slope": slope,
                    "slope_low": slope - slope_half,
                    "slope_high": slope + slope_half,
                    "slope_unit": unit,
                    "intercept_j": intercept,
                    "intercept_low_j": intercept - intercept_half,
                    "intercept_high_j": intercept + intercept_half,
                    "r2": fit.r2,
                    "energy_kind": _kinds(part),
                }
            )
    columns = ["gpu", "phase", "predictor", "families", "n", "slope", "slope_low", "slope_high", "slope_unit"]
    columns += ["intercept_j", "intercept_low_j", "intercept_high_j", "r2", "energy_kind"]
    return pd.DataFrame(rows, columns=columns)


def explained(table: pd.DataFrame) -> pd.DataFrame:
    """How much of the energy each quantity of compute explains, and both of a roofline together.

    Args:
        table: as `quantities` gives it.

    Returns:
        one row per platform, phase, group or family, and predictors: `r2`, `r2_adjusted` for their number,
        `left_out_mdape_percent` (median absolute error of each architecture from the fit to all the others), and the
        rank correlation `spearman` for a single predictor.
    """
    rows = []
    for gpu, phase, families, part in _parts(table):
        for names in EXPLAINING:
            columns = [PREDICTORS[name][0] for name in names]
            known = part.dropna(subset=columns)
            fit = affine(known["energy_j"], *(known[column] for column in columns))
            if fit is None:
                continue
            freedom = fit.n - 1 - len(names)
            errors = 100 * np.abs(fit.left_out / known["energy_j"].to_numpy() - 1)
            rows.append(
                {
                    "gpu": gpu,
                    "phase": phase,
                    "families": families,
                    "predictors": " + ".join(names),
                    "n": fit.n,
                    "r2": fit.r2,
                    "r2_adjusted": 1 - (1 - fit.r2) * (fit.n - 1) / freedom if freedom > 0 else np.nan,
                    "left_out_mdape_percent": float(np.nanmedian(errors)),
                    "spearman": rank_correlation(known[columns[0]], known["energy_j"]) if len(names) == 1 else np.nan,
                    "energy_kind": _kinds(part),
                }
            )
    columns = ["gpu", "phase", "families", "predictors", "n", "r2", "r2_adjusted", "left_out_mdape_percent"]
    return pd.DataFrame(rows, columns=[*columns, "spearman", "energy_kind"])


def power_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Mean power of training over that of test, per architecture and platform.

    Args:
        table: as `quantities` gives it.

    Returns:
        `train_power_w`, `test_power_w`, `ratio` and the ends of its 95 % interval, from the relative half widths of
        both in quadrature; without repeats there is none.
    """
    keys = ["gpu", "architecture", "family"]
    train, test = (table[table["phase"] == phase].set_index(keys) for phase in ("train", "test"))
    both = train.add_suffix("_train").join(test.add_suffix("_test"), how="inner")
    means = [both[f"power_mean_w_{phase}"].astype("float64") for phase in ("train", "test")]
    halves = [
        both[f"power_ci95_high_w_{phase}"].astype("float64") / mean - 1
        for phase, mean in zip(("train", "test"), means, strict=True)
    ]
    ratio = means[0] / means[1]
    half = ratio * np.hypot(*halves)
    found = {"train_power_w": means[0], "test_power_w": means[1], "ratio": ratio}
    kind = both["energy_kind_train"].where(both["energy_kind_train"] == both["energy_kind_test"], "several")
    ends = {"ratio_ci95_low": ratio - half, "ratio_ci95_high": ratio + half}
    return pd.DataFrame({**found, **ends, "energy_kind": kind}).dropna(subset=["ratio"]).reset_index()


def rank_correlation(x: Sequence[float] | pd.Series, y: Sequence[float] | pd.Series) -> float:
    """Spearman's, of the pairs that are numbers; NaN where one side does not vary."""
    pairs = pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float)}).dropna()
    return float(pairs["x"].rank().corr(pairs["y"].rank())) if (pairs.nunique() > 1).all() else float("nan")


def _parts(table: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    for (gpu, phase), rows in table.groupby(["gpu", "phase"], sort=False):
        single = {str(family): [family] for family in rows["family"].unique()}
        for name, families in {**groups(rows), **single}.items():
            yield str(gpu), str(phase), name, rows[rows["family"].isin(families)]


def _kinds(part: pd.DataFrame) -> str:
    return ", ".join(sorted({kind for kinds in part["energy_kind"].dropna() for kind in kinds.split(", ")}))
