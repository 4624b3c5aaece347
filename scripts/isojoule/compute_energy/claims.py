"""What the paper claims, held against a study: Douwes and Serizel, DCASE 2024, claim by claim.

The paper says "affine", "chaotic", "strong"; what that means in numbers is ours, and stands beside each claim.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from isojoule.compute_energy.fits import Fit, affine, rank_correlation
from isojoule.compute_energy.quantities import GROUPS

# architectures of a family or group below which nothing is said of it
FEWEST = 5
AFFINE_R2, CHAOTIC_R2 = 0.9, 0.5
RISING, STRONG = 0.9, 0.8
SIMILAR = 1.25
PUBLISHED_RATIO, TOLERANCE = 3.0, 0.05
DENSE, CONVOLUTIONAL = GROUPS

# of one platform: what was found, in words, and whether the claim holds; none where the study cannot tell
Finding = tuple[str, bool | None]
UNKNOWN: Finding = (f"cannot be told here: not measured, or fewer than {FEWEST} architectures", None)


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper.

    Attributes:
        section: where it stands.
        text: what it says.
        criterion: when it holds, in numbers.
        look: finds out on the cells of one platform.
    """

    section: str
    text: str
    criterion: str
    look: Callable[[pd.DataFrame], Finding]


def claims(table: pd.DataFrame) -> pd.DataFrame:
    """Every claim on every platform.

    Args:
        table: as `quantities` gives it.

    Returns:
        `gpu`, `section`, `claim`, `criterion`, `found`, `holds` (yes, no, unknown), `energy_kind`.
    """
    rows = []
    for gpu, part in table.groupby("gpu", sort=False):
        kinds = ", ".join(sorted(set(", ".join(part["energy_kind"].dropna()).split(", "))))
        for claim in CLAIMS:
            found, holds = claim.look(part)
            rows.append(
                {
                    "gpu": gpu,
                    "section": claim.section,
                    "claim": claim.text,
                    "criterion": claim.criterion,
                    "found": found,
                    "holds": "unknown" if holds is None else "yes" if holds else "no",
                    "energy_kind": kinds,
                }
            )
    return pd.DataFrame(rows)


def _of(part: pd.DataFrame, phase: str | None = None, families: Sequence[str] | None = None) -> pd.DataFrame:
    chosen = part if phase is None else part[part["phase"] == phase]
    return chosen if families is None else chosen[chosen["family"].isin(families)]


def _rises(phase: str) -> Callable[[pd.DataFrame], Finding]:
    def look(part: pd.DataFrame) -> Finding:
        found = {
            str(family).upper(): rank_correlation(rows["published_flops"], rows["energy_j"])
            for family, rows in _of(part, phase).groupby("family", sort=False)
            if len(rows) >= FEWEST
        }
        found = {family: value for family, value in found.items() if np.isfinite(value)}
        return (_listed(found, "Spearman"), min(found.values()) >= RISING) if _all_types(found) else UNKNOWN

    return look


def _affine(
    phase: str, column: str, families: Sequence[str] | None, low: float, high: float = 1.0
) -> Callable[[pd.DataFrame], Finding]:
    """R2 of one fit between two bounds."""

    def look(part: pd.DataFrame) -> Finding:
        fit = _fit(_of(part, phase, families), column)
        return UNKNOWN if fit is None else (f"R² {fit.r2:.2f}, n = {fit.n}", low <= fit.r2 <= high)

    return look


def _affine_in_every_family(part: pd.DataFrame) -> Finding:
    fits = {
        str(family).upper(): fit
        for family, rows in _of(part, "test").groupby("family", sort=False)
        if (fit := _fit(rows, "published_flops"))
    }
    found = {family: fit.r2 for family, fit in fits.items()}
    return (_listed(found, "R²"), min(found.values()) >= AFFINE_R2) if _all_types(found) else UNKNOWN


def _all_types(found: dict[str, float]) -> bool:
    return {family.upper() for families in GROUPS.values() for family in families} <= set(found)


def _slopes(phase: str, *, steeper: bool) -> Callable[[pd.DataFrame], Finding]:
    """Whether the 95 % intervals of the two groups' slopes are apart, the dense ones above where `steeper`."""

    def look(part: pd.DataFrame) -> Finding:
        fits = [_fit(_of(part, phase, GROUPS[name]), "published_flops") for name in (DENSE, CONVOLUTIONAL)]
        if fits[0] is None or fits[1] is None:
            return UNKNOWN
        (dense_low, dense_high), (other_low, other_high) = (
            (fit.coefficients[1] - fit.half_widths[1], fit.coefficients[1] + fit.half_widths[1])
            for fit in fits
            if fit is not None
        )
        text = (
            f"{DENSE} {1e12 * dense_low:.3g} to {1e12 * dense_high:.3g}, "
            f"{CONVOLUTIONAL} {1e12 * other_low:.3g} to {1e12 * other_high:.3g} pJ/FLOP"
        )
        above = dense_low > other_high
        return text, above or (not steeper and other_low > dense_high)

    return look


def _no_single_law(part: pd.DataFrame) -> Finding:
    fits = {
        name: _fit(_of(part, "train"), column)
        for name, column in (("FLOPs", "published_flops"), ("parameters", "params"))
    }
    found = {name: fit.r2 for name, fit in fits.items() if fit}
    return (_listed(found, "R²"), max(found.values()) < AFFINE_R2) if len(found) == len(fits) else UNKNOWN


def _powers(part: pd.DataFrame, families: Sequence[str]) -> tuple[pd.Series, pd.Series]:
    train, test = (_of(part, phase, families).set_index("architecture")["power_mean_w"] for phase in ("train", "test"))
    both = train.index.intersection(test.index)
    return train[both].astype("float64").dropna(), test[both].astype("float64").dropna()


def _more_power_in_training(part: pd.DataFrame) -> Finding:
    train, test = _powers(part, GROUPS[DENSE])
    if min(len(train), len(test)) < FEWEST:
        return UNKNOWN
    text = f"training {train.min():.3g} to {train.max():.3g} W, test {test.min():.3g} to {test.max():.3g} W"
    return text, bool(train.min() > test.max())


def _similar_power(part: pd.DataFrame) -> Finding:
    train, test = _powers(part, GROUPS[CONVOLUTIONAL])
    if min(len(train), len(test)) < FEWEST:
        return UNKNOWN
    ratio = (train / test).median()
    return f"median ratio training/test {ratio:.2f}", bool(1 / SIMILAR <= ratio <= SIMILAR)


def _power_follows_rate(part: pd.DataFrame) -> Finding:
    rows = _of(part, "test", GROUPS[DENSE])
    power_w = rows["power_mean_w"].astype("float64")
    fit = affine(power_w, rows["flop_per_s"]) if len(rows) >= FEWEST else None
    return UNKNOWN if fit is None else (f"R² {fit.r2:.2f}, n = {fit.n}", fit.r2 >= AFFINE_R2)


def _utilization(part: pd.DataFrame) -> tuple[float, float]:
    columns = ("gpu_utilization_mean_percent", "gpu_memory_utilization_mean_percent")
    known = [part.dropna(subset=[column]) for column in columns]
    gpu, memory = (
        rank_correlation(rows[column].astype("float64"), rows["energy_j"]) if len(rows) >= FEWEST else float("nan")
        for rows, column in zip(known, columns, strict=True)
    )
    return gpu, memory


def _gpu_utilization(part: pd.DataFrame) -> Finding:
    found, _ = _utilization(part)
    return (f"Spearman {found:.2f}, both phases", found >= STRONG) if np.isfinite(found) else UNKNOWN


def _memory_utilization(part: pd.DataFrame) -> Finding:
    gpu, memory = _utilization(part)
    if not (np.isfinite(gpu) and np.isfinite(memory)):
        return UNKNOWN
    return f"Spearman {memory:.2f} for memory, {gpu:.2f} for the GPU", memory < gpu


def _three_times(part: pd.DataFrame) -> Finding:
    train = _of(part, "train")
    test = _of(part, "test").set_index("architecture")
    per_example = (train["exact_flops"] / train["samples"].astype("float64")).set_axis(train["architecture"])
    ratio = (per_example / (test["exact_flops"] / test["samples"].astype("float64"))).dropna()
    if ratio.empty:
        return UNKNOWN
    close = bool(((ratio / PUBLISHED_RATIO - 1).abs() <= TOLERANCE).all())
    return f"{ratio.min():.2f} to {ratio.max():.2f}, median {ratio.median():.2f}", close


def _fit(rows: pd.DataFrame, column: str) -> Fit | None:
    return affine(rows["energy_j"], rows[column]) if rows[column].notna().sum() >= FEWEST else None


def _listed(found: dict[str, float], statistic: str) -> str:
    return f"{statistic} " + ", ".join(f"{value:.2f} ({name})" for name, value in found.items())


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
          f"Spearman of at least {STRONG} over both phases", _gpu_utilization),
    Claim("4.4", "The memory's utilisation says less.",
          "Spearman of memory below that of the GPU", _memory_utilization),
)  # fmt: skip
