"""Affine fits of energy to quantities of compute, and how much each quantity explains.

Axes of the arrays: n points, c coefficients, the intercept being the first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from isojoule.compute_energy.quantities import PREDICTORS, energy_kinds, groups

# a line through two points would explain everything
FEWEST_POINTS = 3
# every single predictor, and the pair of arithmetic and memory traffic, as in a roofline model
EXPLAINING = (*((name,) for name in PREDICTORS), ("flops-exact", "bytes-moved"))


@dataclass(frozen=True)
class Fit:
    """Ordinary least squares with an intercept.

    Attributes:
        coefficients: intercept, then one slope per predictor, (c,).
        half_widths: half of their 95 % intervals (Student's t), (c,).
        r2: share of the variance that the fit explains.
        left_out: what the fit to all other points predicts for each point, (n,).
        n: number of points.
    """

    coefficients: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    r2: float
    left_out: NDArray[np.float64]
    n: int


def fit_affine(y: ArrayLike, *predictors: ArrayLike) -> Fit | None:
    """Fit y to an affine function of the predictors.

    With X the columns 1 and the predictors, X^+ its pseudoinverse and e = y - X b the residuals, the coefficients are
    b = X^+ y. Their variances are the diagonal of (X'X)^-1 = X^+ (X^+)', times e'e / (n - c). The fit without point i
    predicts y_i - e_i / (1 - h_i) for it, with the leverages h the diagonal of X X^+. Hastie, Tibshirani and Friedman,
    "The elements of statistical learning", 2nd edition, equations (3.6) and (3.8), and section 7.10.1.

    Args:
        y: (n,).
        predictors: (n,) each. Points with a value that is no finite number are left out.

    Returns:
        the fit, or None where there are too few points, or where predictors do not vary or are affine in each other.
    """
    table = np.column_stack([np.asarray(values, dtype=float) for values in (y, *predictors)])
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < FEWEST_POINTS + len(predictors) - 1:
        return None
    target = table[:, 0]
    scales = np.abs(table[:, 1:]).max(axis=0)
    if not scales.all() or not np.ptp(target):
        return None
    design = np.column_stack([np.ones(len(table)), table[:, 1:] / scales])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    pseudoinverse = np.linalg.pinv(design)
    coefficients = pseudoinverse @ target
    residuals = target - design @ coefficients
    degrees_of_freedom = len(table) - design.shape[1]
    residual_variance = residuals @ residuals / degrees_of_freedom
    deviations = np.sqrt(residual_variance * np.square(pseudoinverse).sum(axis=1))
    leverages = np.einsum("nc,cn->n", design, pseudoinverse)
    units = np.concatenate([[1.0], 1 / scales])
    with np.errstate(divide="ignore", invalid="ignore"):
        left_out = target - residuals / (1 - leverages)
    return Fit(
        coefficients=coefficients * units,
        half_widths=stdtrit(degrees_of_freedom, 0.975) * deviations * units,
        r2=float(1 - residuals @ residuals / np.square(target - target.mean()).sum()),
        left_out=left_out,
        n=len(table),
    )


def fits(table: pd.DataFrame) -> pd.DataFrame:
    """Fit energy to every single predictor, per platform, phase, and family or group of families.

    Args:
        table: as `quantities` returns it.

    Returns:
        one row per fit: `gpu`, `phase`, `predictor`, `families`, `n`, `slope` with the ends of its 95 % interval and
        its `slope_unit`, `intercept_j` in joules with the ends of its own, `r2`, and `energy_kind`.
    """
    rows = []
    for gpu, phase, families, part in _parts(table):
        for predictor, (column, unit, _) in PREDICTORS.items():
            fit = fit_affine(part["energy_j"], part[column])
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
                    "energy_kind": energy_kinds(part),
                }
            )
    columns = ["gpu", "phase", "predictor", "families", "n", "slope", "slope_low", "slope_high", "slope_unit"]
    columns += ["intercept_j", "intercept_low_j", "intercept_high_j", "r2", "energy_kind"]
    return pd.DataFrame(rows, columns=columns)


def explained(table: pd.DataFrame) -> pd.DataFrame:
    """Tell how much of the energy each quantity of compute explains, and those of a roofline model together.

    Args:
        table: as `quantities` returns it.

    Returns:
        one row per platform, phase, group or family, and predictors: `r2`, `r2_adjusted` for the number of predictors,
        `left_out_mdape_percent` (median absolute percentage error of each architecture by the fit to all others), and
        Spearman's rank correlation `spearman` for a single predictor.
    """
    rows = []
    for gpu, phase, families, part in _parts(table):
        for names in EXPLAINING:
            columns = [PREDICTORS[name][0] for name in names]
            complete = part.dropna(subset=columns)
            energy_j = complete["energy_j"]
            fit = fit_affine(energy_j, *(complete[column] for column in columns))
            if fit is None:
                continue
            degrees_of_freedom = fit.n - 1 - len(names)
            r2_adjusted = 1 - (1 - fit.r2) * (fit.n - 1) / degrees_of_freedom if degrees_of_freedom > 0 else np.nan
            errors_percent = 100 * np.abs(fit.left_out / energy_j.to_numpy() - 1)
            rows.append(
                {
                    "gpu": gpu,
                    "phase": phase,
                    "families": families,
                    "predictors": " + ".join(names),
                    "n": fit.n,
                    "r2": fit.r2,
                    "r2_adjusted": r2_adjusted,
                    "left_out_mdape_percent": float(np.nanmedian(errors_percent)),
                    "spearman": rank_correlation(complete[columns[0]], energy_j) if len(names) == 1 else np.nan,
                    "energy_kind": energy_kinds(part),
                }
            )
    columns = ["gpu", "phase", "families", "predictors", "n", "r2", "r2_adjusted", "left_out_mdape_percent"]
    return pd.DataFrame(rows, columns=[*columns, "spearman", "energy_kind"])


def power_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Divide the mean power of training by that of test, per architecture and platform.

    Args:
        table: as `quantities` returns it.

    Returns:
        `train_power_w`, `test_power_w`, `ratio` and the ends of its 95 % interval, from the half widths of both
        powers on logarithms, in quadrature; the ends are missing without repeats.
    """
    keys = ["gpu", "architecture", "family"]
    train, test = (table[table["phase"] == phase].set_index(keys) for phase in ("train", "test"))
    both = train.add_suffix("_train").join(test.add_suffix("_test"), how="inner")
    powers_w, log_halves = [], []
    for phase in ("train", "test"):
        power_w = both[f"power_mean_w_{phase}"].astype("float64")
        powers_w.append(power_w)
        log_halves.append(np.log(both[f"power_ci95_high_w_{phase}"].astype("float64") / power_w))
    ratio = powers_w[0] / powers_w[1]
    factor = np.exp(np.hypot(*log_halves))
    is_same_kind = both["energy_kind_train"] == both["energy_kind_test"]
    ratios = pd.DataFrame(
        {
            "train_power_w": powers_w[0],
            "test_power_w": powers_w[1],
            "ratio": ratio,
            "ratio_ci95_low": ratio / factor,
            "ratio_ci95_high": ratio * factor,
            "energy_kind": both["energy_kind_train"].where(is_same_kind, "several"),
        }
    )
    return ratios.dropna(subset=["ratio"]).reset_index()


def rank_correlation(x: Sequence[float] | pd.Series, y: Sequence[float] | pd.Series) -> float:
    """Compute Spearman's rank correlation over the pairs of numbers; it is NaN where one side does not vary."""
    pairs = pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float)}).dropna()
    return float(pairs["x"].rank().corr(pairs["y"].rank())) if (pairs.nunique() > 1).all() else float("nan")


def _parts(table: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield the GPU, the phase, the name of a family or group, and the rows of each part of the table."""
    for (gpu, phase), rows in table.groupby(["gpu", "phase"], sort=False):
        single_families = {str(family): [family] for family in rows["family"].unique()}
        for name, families in {**groups(rows), **single_families}.items():
            yield str(gpu), str(phase), name, rows[rows["family"].isin(families)]
