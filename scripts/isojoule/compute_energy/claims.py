"""What the paper claims, held against a study, claim by claim: Douwes and Serizel, DCASE 2024.

The paper says "affine", "chaotic", "strong". What such a word means in numbers is our choice, and stands beside each
claim.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from isojoule.compute_energy.fits import Fit, fit_affine, rank_correlation
from isojoule.compute_energy.quantities import GROUPS, energy_kinds

# with fewer architectures than this nothing is said of a family or group
FEWEST_ARCHITECTURES = 5
AFFINE_R2, CHAOTIC_R2 = 0.9, 0.5
RISING, STRONG = 0.9, 0.8
SIMILAR = 1.25
PUBLISHED_RATIO, TOLERANCE = 3.0, 0.05
DENSE, CONVOLUTIONAL = GROUPS

# what a platform shows, in words, and whether the claim holds; None where the study cannot tell
Finding = tuple[str, bool | None]
FAMILIES = [[family] for families in GROUPS.values() for family in families]
NAMES = {
    "published_flops": "FLOPs",
    "exact_flops": "exact count of FLOPs",
    "params": "parameters",
    "power_mean_w": "power",
    "flop_per_s": "FLOPs per second",
    "gpu_utilization_mean_percent": "utilisation of a GPU",
    "gpu_memory_utilization_mean_percent": "utilisation of a GPU's memory",
}


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper.

    Attributes:
        section: section of the paper.
        text: what the paper says.
        criterion: when the claim holds, in numbers.
        check: checks the claim on the cells of one platform.
    """

    section: str
    text: str
    criterion: str
    check: Callable[[pd.DataFrame], Finding]


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """Check every claim on every platform.

    Args:
        table: as `quantities` returns it.

    Returns:
        `gpu`, `section`, `claim`, `criterion`, `found`, `holds` (yes, no, unknown), `energy_kind`.
    """
    rows = []
    for gpu, cells in table.groupby("gpu", sort=False):
        kinds = energy_kinds(cells)
        for claim in CLAIMS:
            finding, holds = claim.check(cells)
            rows.append(
                {
                    "gpu": gpu,
                    "section": claim.section,
                    "claim": claim.text,
                    "criterion": claim.criterion,
                    "found": finding,
                    "holds": "unknown" if holds is None else "yes" if holds else "no",
                    "energy_kind": kinds,
                }
            )
    return pd.DataFrame(rows)


def _select(cells: pd.DataFrame, phase: str | None = None, families: Sequence[str] | None = None) -> pd.DataFrame:
    selected = cells if phase is None else cells[cells["phase"] == phase]
    return selected if families is None else selected[selected["family"].isin(families)]


def _unknown(cells: pd.DataFrame, column: str, groups: Sequence[Sequence[str]] = ()) -> Finding:
    """Say why a study cannot tell: a quantity that is not there, or too few architectures.

    Args:
        cells: what the claim is of.
        column: the quantity that it needs.
        groups: families that must have enough architectures together; by default all of the study.
    """
    known = cells[cells[column].notna()]
    counts = {
        "/".join(group).upper(): known.loc[known["family"].isin(group), "architecture"].nunique() for group in groups
    } or {"": known["architecture"].nunique()}
    if cells.empty:
        reason = "no such architecture has an energy"
    elif known.empty:
        reason = f"there is no {NAMES[column]}"
    elif min(counts.values()) < FEWEST_ARCHITECTURES:
        found = ", ".join(f"{count} of {name}" if name else str(count) for name, count in counts.items())
        each = " of each" if len(counts) > 1 else ""
        reason = f"found {found}, expected at least {FEWEST_ARCHITECTURES} architectures{each}"
    else:
        reason = f"energy or {NAMES[column]} does not differ"
    return f"cannot be told here: {reason}", None


def _fit(cells: pd.DataFrame, column: str) -> Fit | None:
    if cells[column].notna().sum() < FEWEST_ARCHITECTURES:
        return None
    return fit_affine(cells["energy_j"], cells[column])


def _listed(values: dict[str, float], statistic: str) -> str:
    return f"{statistic} " + ", ".join(f"{value:.2f} ({name})" for name, value in values.items())


def _has_all_families(values_by_family: dict[str, float]) -> bool:
    return {family.upper() for families in GROUPS.values() for family in families} <= set(values_by_family)


def _rises(phase: str) -> Callable[[pd.DataFrame], Finding]:
    """Make a check that energy rises with FLOPs in every family."""

    def check(cells: pd.DataFrame) -> Finding:
        correlations = {
            str(family).upper(): rank_correlation(rows["published_flops"], rows["energy_j"])
            for family, rows in _select(cells, phase).groupby("family", sort=False)
            if len(rows) >= FEWEST_ARCHITECTURES
        }
        correlations = {family: value for family, value in correlations.items() if np.isfinite(value)}
        if not _has_all_families(correlations):
            return _unknown(_select(cells, phase), "published_flops", FAMILIES)
        return _listed(correlations, "Spearman"), _shown(min(correlations.values())) >= RISING

    return check


def _affine(
    phase: str, column: str, families: Sequence[str], low: float, high: float = 1.0
) -> Callable[[pd.DataFrame], Finding]:
    """Make a check that the R2 of one affine fit lies between two bounds."""

    def check(cells: pd.DataFrame) -> Finding:
        rows = _select(cells, phase, families)
        fit = _fit(rows, column)
        if fit is None:
            return _unknown(rows, column, [families])
        return f"R² {fit.r2:.2f}, n = {fit.n}", low <= _shown(fit.r2) <= high

    return check


def _affine_in_every_family(cells: pd.DataFrame) -> Finding:
    r2_by_family = {
        str(family).upper(): fit.r2
        for family, rows in _select(cells, "test").groupby("family", sort=False)
        if (fit := _fit(rows, "published_flops"))
    }
    if not _has_all_families(r2_by_family):
        return _unknown(_select(cells, "test"), "published_flops", FAMILIES)
    return _listed(r2_by_family, "R²"), _shown(min(r2_by_family.values())) >= AFFINE_R2


def _slopes(phase: str, *, steeper: bool) -> Callable[[pd.DataFrame], Finding]:
    """Make a check that the 95 % intervals of the two groups' slopes are apart.

    Args:
        phase: `train` or `test`.
        steeper: whether the slope of the dense group must be the higher one.
    """

    def check(cells: pd.DataFrame) -> Finding:
        dense = _slope_interval(_select(cells, phase, GROUPS[DENSE]))
        convolutional = _slope_interval(_select(cells, phase, GROUPS[CONVOLUTIONAL]))
        if dense is None or convolutional is None:
            return _unknown(_select(cells, phase), "published_flops", list(GROUPS.values()))
        text = (
            f"{DENSE} {1e12 * dense[0]:.3g} to {1e12 * dense[1]:.3g}, "
            f"{CONVOLUTIONAL} {1e12 * convolutional[0]:.3g} to {1e12 * convolutional[1]:.3g} pJ/FLOP"
        )
        is_steeper = dense[0] > convolutional[1]
        return text, is_steeper or (not steeper and convolutional[0] > dense[1])

    return check


def _slope_interval(cells: pd.DataFrame) -> tuple[float, float] | None:
    """Return the ends of the 95 % interval of energy per FLOP, in J/FLOP."""
    fit = _fit(cells, "published_flops")
    if fit is None:
        return None
    return fit.coefficients[1] - fit.half_widths[1], fit.coefficients[1] + fit.half_widths[1]


def _no_single_law(cells: pd.DataFrame) -> Finding:
    columns = {"FLOPs": "published_flops", "parameters": "params"}
    fits_by_quantity = {name: _fit(_select(cells, "train"), column) for name, column in columns.items()}
    r2_by_quantity = {name: fit.r2 for name, fit in fits_by_quantity.items() if fit}
    for name, column in columns.items():
        if name not in r2_by_quantity:
            return _unknown(_select(cells, "train"), column)
    return _listed(r2_by_quantity, "R²"), _shown(max(r2_by_quantity.values())) < AFFINE_R2


def _powers_w(cells: pd.DataFrame, families: Sequence[str]) -> tuple[pd.Series, pd.Series] | None:
    """Return the powers of training and of test, of the architectures that have both, by architecture."""
    train, test = (
        _select(cells, phase, families).set_index("architecture")["power_mean_w"] for phase in ("train", "test")
    )
    names = train.index.intersection(test.index)
    train_w, test_w = train[names].astype("float64").dropna(), test[names].astype("float64").dropna()
    return None if min(len(train_w), len(test_w)) < FEWEST_ARCHITECTURES else (train_w, test_w)


def _without_power(cells: pd.DataFrame, families: Sequence[str]) -> Finding:
    """Say why the powers of training and of test cannot be compared."""
    of_phases = [_select(cells, phase, families) for phase in ("train", "test")]
    both = set.intersection(*(set(rows["architecture"]) for rows in of_phases))
    return _unknown(of_phases[0][of_phases[0]["architecture"].isin(both)], "power_mean_w", [families])


def _more_power_in_training(cells: pd.DataFrame) -> Finding:
    powers_w = _powers_w(cells, GROUPS[DENSE])
    if powers_w is None:
        return _without_power(cells, GROUPS[DENSE])
    train_w, test_w = powers_w
    text = f"training {train_w.min():.3g} to {train_w.max():.3g} W, test {test_w.min():.3g} to {test_w.max():.3g} W"
    return text, bool(train_w.min() > test_w.max())


def _similar_power(cells: pd.DataFrame) -> Finding:
    powers_w = _powers_w(cells, GROUPS[CONVOLUTIONAL])
    if powers_w is None:
        return _without_power(cells, GROUPS[CONVOLUTIONAL])
    ratio = (powers_w[0] / powers_w[1]).median()
    return f"median ratio training/test {ratio:.2f}", bool(1 / SIMILAR <= ratio <= SIMILAR)


def _power_follows_rate(cells: pd.DataFrame) -> Finding:
    rows = _select(cells, "test", GROUPS[DENSE])
    power_w = rows["power_mean_w"].astype("float64")
    fit = fit_affine(power_w, rows["flop_per_s"]) if len(rows) >= FEWEST_ARCHITECTURES else None
    if fit is None:
        column = "power_mean_w" if power_w.isna().all() else "flop_per_s"
        return _unknown(rows, column, [GROUPS[DENSE]])
    return f"R² {fit.r2:.2f}, n = {fit.n}", _shown(fit.r2) >= AFFINE_R2


def _correlation_with_energy(cells: pd.DataFrame, column: str) -> float:
    rows = cells.dropna(subset=[column])
    if len(rows) < FEWEST_ARCHITECTURES:
        return float("nan")
    return rank_correlation(rows[column].astype("float64"), rows["energy_j"])


def _in_each_phase(cells: pd.DataFrame, column: str) -> dict[str, float]:
    """Correlate a column with energy in each phase apart: a training takes more passes over the data than a test."""
    values = {phase: _correlation_with_energy(_select(cells, phase), column) for phase in ("train", "test")}
    return {phase: value for phase, value in values.items() if np.isfinite(value)}


def _gpu_utilization(cells: pd.DataFrame) -> Finding:
    correlations = _in_each_phase(cells, "gpu_utilization_mean_percent")
    if not correlations:
        return _unknown(cells, "gpu_utilization_mean_percent")
    return _listed(correlations, "Spearman"), _shown(min(correlations.values())) >= STRONG


def _memory_utilization(cells: pd.DataFrame) -> Finding:
    of_gpu = _in_each_phase(cells, "gpu_utilization_mean_percent")
    of_memory = _in_each_phase(cells, "gpu_memory_utilization_mean_percent")
    if not of_gpu or set(of_gpu) != set(of_memory):
        return _unknown(cells, "gpu_memory_utilization_mean_percent" if of_gpu else "gpu_utilization_mean_percent")
    text = f"{_listed(of_memory, 'Spearman')} for memory, {_listed(of_gpu, 'Spearman')} for the GPU"
    return text, all(_shown(of_memory[phase]) < _shown(of_gpu[phase]) for phase in of_gpu)


def _shown(value: float) -> float:
    """Return a value as the page shows it, so that 0.90 is never judged as less than 0.9."""
    return round(value, 2)


def _three_times(cells: pd.DataFrame) -> Finding:
    train_flops, test_flops = (
        (rows["exact_flops"] / rows["samples"].astype("float64")).set_axis(rows["architecture"])
        for rows in (_select(cells, "train"), _select(cells, "test"))
    )
    ratio = (train_flops / test_flops).dropna()
    if ratio.empty:
        return _unknown(cells, "exact_flops")
    is_close = bool(((ratio / PUBLISHED_RATIO - 1).abs() <= TOLERANCE).all())
    return f"{ratio.min():.2f} to {ratio.max():.2f}, median {ratio.median():.2f}", is_close


CLAIMS = (
    Claim("2.1", "A training step computes three times what a forward pass does.",
          f"exact counts within {100 * TOLERANCE:.0f} % of 3 for every architecture", _three_times),
    Claim("4.1", "At test, more FLOPs mean more energy in all types of architecture.",
          f"Spearman of at least {RISING} in every family", _rises("test")),
    Claim("4.1", "At test, energy is affine in FLOPs within a type of architecture.",
          f"R² of at least {AFFINE_R2} in every family", _affine_in_every_family),
    Claim("4.1", "At test, the affine pattern differs between types of architecture.",
          f"95 % intervals of the slopes of {DENSE} and {CONVOLUTIONAL} apart", _slopes("test", steeper=False)),
    Claim("4.1", "At test, energy is almost affine in the parameters for MLP and RNN.",
          f"R² of at least {AFFINE_R2}", _affine("test", "params", GROUPS[DENSE], AFFINE_R2)),
    Claim("4.1", "At test, the relation of parameters and energy is chaotic for CNN and CRNN.",
          f"R² of at most {CHAOTIC_R2}", _affine("test", "params", GROUPS[CONVOLUTIONAL], 0, CHAOTIC_R2)),
    Claim("4.2", "In training, more FLOPs mean more energy in all types of architecture.",
          f"Spearman of at least {RISING} in every family", _rises("train")),
    Claim("4.2", "In training, MLP and RNN follow a steeper trend than CNN and CRNN.",
          f"slope of {DENSE} above that of {CONVOLUTIONAL}, 95 % intervals apart", _slopes("train", steeper=True)),
    Claim("4.2", "In training, energy is almost affine in FLOPs for MLP and RNN.",
          f"R² of at least {AFFINE_R2}", _affine("train", "published_flops", GROUPS[DENSE], AFFINE_R2)),
    Claim("4.2", "In training, FLOPs alone do not tell the energy of CNN and CRNN.",
          f"R² below {AFFINE_R2}", _affine("train", "published_flops", GROUPS[CONVOLUTIONAL], 0, AFFINE_R2)),
    Claim("4.2", "In training, neither FLOPs nor parameters tell the energy without the architecture.",
          f"R² over all below {AFFINE_R2} for both", _no_single_law),
    Claim("4.3", "At test, power is nearly affine in FLOPs per second for MLP and RNN.",
          f"R² of at least {AFFINE_R2}", _power_follows_rate),
    Claim("4.3", "MLP and RNN draw more power in training than at test, without overlap.",
          "least power of training above the most of test", _more_power_in_training),
    Claim("4.3", "CNN and CRNN draw similar power in training and at test.",
          f"median ratio within a factor of {SIMILAR}", _similar_power),
    Claim("4.4", "Energy follows the GPU's utilisation, whatever the phase and the architecture.",
          f"Spearman of at least {STRONG} in each phase", _gpu_utilization),
    Claim("4.4", "The memory's utilisation says less.",
          "Spearman of memory below that of the GPU in each phase", _memory_utilization),
)  # fmt: skip
