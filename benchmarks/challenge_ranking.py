"""Time the ranking of a large challenge: 500 submissions, each with five references and two systems, all run twice.

    python benchmarks challenge_ranking

The energies are simulated, and each team has a platform of its own. An organizer waits for the ranking: the budget is
half a minute.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from suite import PROJECT, Row, command

from isojoule.challenge import kit as kits
from isojoule.records.challenge import Measured, Submission
from isojoule.records.writing import write_record
from isojoule.simulation import worlds
from isojoule.study import reading

TEAMS = 500
BUDGET_S = 30.0
PLACES = (5, 12, 20, 28, 36)
STARTED_AT = "2026-01-01T00:00:00Z"


def measure(rounds: int) -> list[Row]:
    """CPU time and wall time of `isojoule challenge rank`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        challenge(folder)
        words = [sys.executable, "-m", "isojoule", "challenge", "rank", "submissions", "--kit", "kit.zip"]
        words += ["--output", "ranking.csv", "--page", "ranking.html"]
        ended = [command(words, folder, PYTHONPATH=str(PROJECT / "scripts")) for _ in range(rounds)]
        assert pd.read_csv(folder / "ranking.csv")["rank"].notna().sum() == 2 * TEAMS
    what = f"ranking of {TEAMS} submissions"
    wall_s, cpu_s = [of.wall_s for of in ended], [of.cpu_s for of in ended]
    return [
        Row(f"{what}, wall time", wall_s, "half a minute", [BUDGET_S], "s", "<= 1"),
        Row(f"{what}, CPU time", cpu_s, "half a minute", [BUDGET_S], "s", "<= 1"),
    ]


def challenge(folder: Path) -> None:
    """Write a kit, and the submissions of all teams."""
    world = worlds.world(0)
    rows = world[world["phase"] == "train"]
    own, *_, other, target = rows["gpu"].unique()
    energies = rows[rows["gpu"] == target].set_index("architecture")["energy_kwh"].sort_values()
    names = [str(energies.index[place]) for place in PLACES]
    configuration = reading.load(PROJECT / "config" / "demo.yaml")
    grids = reading.load(PROJECT / "config" / "config.yaml").plain()["architectures"]
    configuration = reading.check(configuration.plain() | {"architectures": grids}, "the benchmark")
    study = rows[rows["gpu"].isin([target, other])]
    kit, text = kits.make(configuration, study, target, "train", names, "f1", 2)
    kits.write(folder / "kit.zip", kit, text)
    kit, _ = kits.read(folder / "kit.zip")
    generator = np.random.default_rng(0)
    of_gpu = rows[rows["gpu"] == own].set_index("architecture")
    systems = [name for name in energies.index if name not in names]
    for number in range(TEAMS):
        team = f"team-{number}"
        factor = float(generator.lognormal(0, 0.5))
        chosen = [str(name) for name in generator.choice(systems, 2, replace=False)]
        submission = Submission(
            team=team,
            kit=kits.checksum(kit),
            references=[run(of_gpu.loc[name], name, repeat, factor, generator) for name in names for repeat in (0, 1)],
            systems=[
                run(of_gpu.loc[name], f"{team}-{name}", repeat, factor, generator, f1=0.5)
                for name in chosen
                for repeat in (0, 1)
            ],
            hardware={"hostname": "node", "cpu": "CPU", "cpu_cores": 2, "memory_bytes": 1},
            software=dict(kit.software),
            made_at=STARTED_AT,
        )
        write_record(folder / "submissions" / f"{team}.json", submission)


def run(
    row: "pd.Series[float]", name: str, repeat: int, factor: float, generator: np.random.Generator, **quality: float
) -> Measured:
    """Make up one run of a network on the GPU of a team."""
    return Measured(
        architecture=name,
        phase="train",
        repeat=repeat,
        outcome="ok",
        energy_kwh=float(row["energy_kwh"]) * factor * float(generator.lognormal(0, 0.02)),
        energy_kind="simulated",
        energy_source="simulation",
        duration_s=float(row["duration_s"]),
        flops=int(row["flops"]) if quality else None,
        params=int(row["params"]) if quality else None,
        quality=quality,
        device="GPU",
        started_at=STARTED_AT,
    )
