"""Which models to choose from on each platform, what they cost, and from which others they cannot be told apart."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from isojoule import readable
from isojoule.findings.sentences import NEAR, cheapest_near_best, fronts_of_energy, least_near, named
from isojoule.tables.columns import PHASES

PLACES = ("least energy", "second least energy", "third least energy")


def choices(fronts: pd.DataFrame, energies: pd.DataFrame) -> dict[str, Any] | None:
    """Return the models to choose from, of training where it was measured, else of the test.

    Args:
        fronts: the table of fronts, which may have no row.
        energies: the table of energy.

    Returns:
        `phase`, `quality` (the first one, nothing where there is no front), `sentence` (the answer, where there is
        one) and `rows`, each with `gpu`, `choice`, `architecture`, `energy_kind`, `energy_kwh`, `low_kwh`, `high_kwh`,
        `quality`, `quality_low`, `quality_high` and `like` (which other models the choice could be by their intervals
        of 95 %); None where no cell has an energy.
    """
    phase, quality, by_gpu = fronts_of_energy(fronts)
    if by_gpu:
        return {
            "phase": phase,
            "quality": quality,
            "sentence": _in_a_sentence(by_gpu),
            "rows": [row for gpu, rows in by_gpu.items() for row in _by_quality(gpu, rows)],
        }
    with_energy = energies[energies["repeats"] > 0]
    phase = next((phase for phase in PHASES if (with_energy["phase"] == phase).any()), "")
    by_platform = with_energy[with_energy["phase"] == phase].groupby("gpu", sort=False)
    rows = [row for gpu, part in by_platform for row in _by_energy(str(gpu), part)]
    if not rows:
        return None
    least = {row["gpu"]: row["architecture"] for row in rows if row["choice"] == PLACES[0]}
    sentence = f"Nothing here tells how good the models are. The least energy is that of {_by_platform(least)}"
    return {"phase": phase, "quality": "", "sentence": sentence, "rows": rows}


def _in_a_sentence(by_gpu: dict[str, pd.DataFrame]) -> str:
    """Name who takes which model, and what it saves and loses; nothing where there is no choice."""
    if any(rows["quality_mean"].nunique() < 2 for rows in by_gpu.values()):
        return ""
    near = {gpu: cheapest_near_best(rows)[0] for gpu, rows in by_gpu.items()}
    least = {gpu: str(rows["cost_mean"].idxmin()) for gpu, rows in by_gpu.items()}
    if near == least:
        return f"By the means, take {_by_platform(near)}: none takes less energy, or is better by more than {_near()}"
    gpu = next(gpu for gpu in by_gpu if near[gpu] != least[gpu])
    cheap, good = (by_gpu[gpu].loc[names[gpu]] for names in (least, near))
    on = f" on {gpu}" if len(by_gpu) > 1 else ""
    return (
        f"By the means, take {_by_platform(near)} if quality counts most: within {_near()} of the best, nothing takes "
        f"less energy. Take {_by_platform(least)} if energy does: it takes "
        f"{readable.digits(100 * (1 - cheap['cost_mean'] / good['cost_mean']))} % less{on}, and reaches "
        f"{readable.digits(cheap['quality_mean'])} in place of {readable.digits(good['quality_mean'])}"
    )


def _near() -> str:
    return f"{100 * NEAR:.0f} %"


def _by_platform(names: dict[str, str]) -> str:
    """Name a model where all platforms have the same, else one for each of the first few."""
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    return named([f"{name} on {gpu}" for gpu, name in names.items()])


def _by_quality(gpu: str, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    near, best = cheapest_near_best(rows)
    chosen = (
        (str(rows["cost_mean"].idxmin()), "least energy", _like(rows, rows["cost_mean"].idxmin(), "cost")),
        (
            near,
            f"least energy within {_near()} of the best",
            _like(rows[rows["quality_mean"] >= least_near(rows)], near, "cost"),
        ),
        (best, "best quality", _like(rows, best, "quality")),
    )
    for name in dict.fromkeys(name for name, *_ in chosen):
        row = rows.loc[name]
        yield {
            "gpu": gpu,
            "choice": ", ".join(choice for of, choice, _ in chosen if of == name),
            "architecture": name,
            **_energy(row),
            "quality": row["quality_mean"],
            "quality_low": row["quality_ci95_low"],
            "quality_high": row["quality_ci95_high"],
            "like": _in_words([like for of, _, like in chosen if of == name]),
        }


def _by_energy(gpu: str, part: pd.DataFrame) -> Iterator[dict[str, Any]]:
    renamed = {f"energy_{end}_kwh": f"cost_{end}" for end in ("mean", "ci95_low", "ci95_high")}
    rows = part.set_index("architecture").rename(columns=renamed).sort_values("cost_mean")
    for choice, (name, row) in zip(PLACES, rows.iterrows(), strict=False):
        yield {
            "gpu": gpu,
            "choice": choice,
            "architecture": name,
            **_energy(row),
            "like": _in_words([_like(rows, name, "cost")]),
        }


def _energy(row: pd.Series) -> dict[str, Any]:
    """Return the energy and its interval, with None where there is none, and its kind."""
    values = {
        name: None if pd.isna(row[column]) else float(row[column])
        for name, column in (("energy_kwh", "cost_mean"), ("low_kwh", "cost_ci95_low"), ("high_kwh", "cost_ci95_high"))
    }
    return {**values, "energy_kind": "" if pd.isna(row["energy_kind"]) else row["energy_kind"]}


def _like(rows: pd.DataFrame, name: Any, column: str) -> list[str] | None:
    """Name the models whose intervals overlap that of a model; None where it has no interval."""
    low, high = rows.loc[name, [f"{column}_ci95_low", f"{column}_ci95_high"]]
    if pd.isna(low):
        return None
    lows, highs = rows[f"{column}_ci95_low"], rows[f"{column}_ci95_high"]
    return [str(other) for other in rows.index[(lows <= high) & (highs >= low)] if other != name]


def _in_words(likes: list[list[str] | None]) -> str:
    if any(like is None for like in likes):
        return "not known: one run has no interval"
    return named(list(dict.fromkeys(name for like in likes for name in like or []))) or "no other"
