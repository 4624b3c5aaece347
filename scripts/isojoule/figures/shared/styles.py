"""Colours, markers and words of families, platforms, phases and verdicts, which are the same in all figures."""

import pandas as pd

from isojoule.readable import Unit

# Okabe and Ito's colours, which colour-blind readers tell apart; families and platforms share none
FAMILIES = {"mlp": ("#0072B2", "o"), "rnn": ("#009E73", "s"), "cnn": ("#D55E00", "^"), "crnn": ("#CC79A7", "D")}
OTHER_FAMILIES = [("#E69F00", "P"), ("#56B4E9", "X"), ("#999999", "v"), ("#000000", "*")]
PLATFORMS = [("#000000", "o"), ("#E69F00", "D"), ("#56B4E9", "s"), ("#999999", "^"), ("#B2A300", "v")]
PHASES = {"train": "Training", "test": "Test"}
# Tol's high-contrast colours, which are told apart in print without colour as well
VERDICTS = {"optimal": ("#004488", "o"), "within noise": ("#DDAA33", "D"), "dominated": ("#BB5566", "X")}


def family_label(family: str) -> str:
    """Name a family as legends do: the published families are abbreviations."""
    return family.upper() if family in FAMILIES else family


def family_styles(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return colour and marker of every family in the table, the published ones first."""
    present = list(table["family"].unique())
    others = [family for family in present if family not in FAMILIES]
    published = {family: style for family, style in FAMILIES.items() if family in present}
    return {**published, **dict(zip(others, cycled(OTHER_FAMILIES, len(others)), strict=True))}


def cycled(styles: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Return `count` styles: where there are too few, their colours again, with other markers in each round."""
    number = len(styles)
    return [(styles[index % number][0], styles[(index + index // number) % number][1]) for index in range(count)]


def phases_of(table: pd.DataFrame) -> list[str]:
    """Return the phases of the table, training first."""
    return [phase for phase in PHASES if (table["phase"] == phase).any()]


def platform_label(cells: pd.DataFrame, gpu: str) -> str:
    """Name a platform, and the kinds of its energies that are not measured."""
    kinds = [kind for kind in _energy_kinds(cells) if kind != "measured"]
    return f"{gpu} ({', '.join(kinds)})" if kinds else gpu


def energy_label(cells: pd.DataFrame, unit: Unit) -> str:
    """Label an axis of energy with its unit and the kinds of energy."""
    return f"{unit.label('Energy')}, {' and '.join(_energy_kinds(cells))}"


def _energy_kinds(cells: pd.DataFrame) -> list[str]:
    return sorted({kind for kinds in cells["energy_kind"].dropna() for kind in kinds.split(", ")})
