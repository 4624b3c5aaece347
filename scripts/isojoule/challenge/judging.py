"""Judge submissions: which can be ranked, which cannot and why, and what is doubtful of those that can."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from isojoule.challenge.kit import checksum
from isojoule.errors import InputError
from isojoule.naming import check_name, escaped, unfit
from isojoule.normalization.user_rows import DISAGREEING_FACTOR, Repeats
from isojoule.normalization.user_system import System
from isojoule.readable import counted
from isojoule.records.challenge import Kit, Measured, Submission, read_submission
from isojoule.tables.plausibility import PLAUSIBLE_FACTOR

# the energy of a reference over that on the target, relative to the middle reference of the same GPU
ODD_FACTOR = 10.0
# a board may draw more than its limit for a moment, and not over a whole run
POWER_FACTOR = 1.2
# flags that say that energy of others may be in a figure, or that the figure is not sure
DOUBTFUL = ("shared-device", "company-unknown", "module-energy", "disagreement", "short-window", "not-above-idle")
# packages whose version decides how much work a reference is
DECISIVE = ("torch", "cuda", "cudnn")


@dataclass(frozen=True)
class Judged:
    """A submission, and what is thought of it.

    Attributes:
        path: its file.
        team: its team; the name of the file where it cannot be read.
        refused: why it is not ranked; none where it is.
        doubts: what is doubtful of it, in sentences.
        submission: as it was sent; none where it cannot be read.
        references: the repeats of each reference that has an energy.
        systems: the repeats of each system that has an energy.
        refused_systems: why a system is not ranked although its team is, by name.
    """

    path: Path
    team: str
    refused: str | None = None
    doubts: tuple[str, ...] = ()
    submission: Submission | None = None
    references: Mapping[str, Repeats] = field(default_factory=dict)
    systems: Mapping[str, Repeats] = field(default_factory=dict)
    refused_systems: Mapping[str, str] = field(default_factory=dict)


def judge_all(folder: Path, kit: Kit) -> list[Judged]:
    """Judge every JSON file of a folder; of several by one team that can be ranked, the last counts.

    Raises:
        InputError: there is no such folder, or no JSON file in it.
    """
    paths = sorted(folder.rglob("*.json")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder}: found no JSON file, expected a folder of submissions")
    judged = [judge(path, kit) for path in paths]
    last = {of.team: of for of in sorted(judged, key=_made_at) if of.refused is None}
    kept = [_replaced(of) if of.refused is None and of is not last[of.team] else of for of in judged]
    return [_beside_namesakes(_behind_refused(of, judged), last) for of in kept]


def judge(path: Path, kit: Kit) -> Judged:
    """Judge the submission in a file."""
    # what waits for a writer, such as a pipe, would never be read to its end
    if path.exists() and not path.is_file() and not path.is_dir():
        return Judged(path, _name_of(path), refused="is no file, expected the JSON of a submission")
    try:
        submission = read_submission(path)
    except InputError as error:
        return Judged(path, _name_of(path), refused=escaped(str(error).removeprefix(f"{path}: ")))
    try:
        _check_names(submission)
    except InputError as error:
        return Judged(path, _name_of(path), refused=str(error))
    try:
        _check_origin(submission, kit)
        references = _repeats([run for run in submission.references if run.architecture in kit.references_kwh], kit)
        systems: dict[str, Repeats] = {}
        refused_systems: dict[str, str] = {}
        for name in dict.fromkeys(run.architecture for run in submission.systems):
            try:
                systems |= _repeats([run for run in submission.systems if run.architecture == name], kit)
            except InputError as error:
                refused_systems[name] = str(error)
        _check_references(submission, references, kit)
        _check_runs(submission)
    except InputError as error:
        return Judged(path, submission.team, refused=escaped(str(error)), submission=submission)
    doubts = tuple(map(escaped, _doubts(submission, references, systems, kit)))
    return Judged(path, submission.team, None, doubts, submission, references, systems, refused_systems)


def _made_at(judged: Judged) -> datetime:
    """When a submission was made, wherever its clock stood."""
    made_at = judged.submission.made_at if judged.submission else "0001-01-01T00:00:00+00:00"
    return datetime.fromisoformat(made_at)


def _replaced(judged: Judged) -> Judged:
    return Judged(judged.path, judged.team, "the team sent another one later, which counts", (), judged.submission)


def _behind_refused(judged: Judged, others: Sequence[Judged]) -> Judged:
    """Doubt a submission that counts only because a later one of the team cannot be ranked."""
    later = [
        of for of in others if of.team == judged.team and of.refused is not None and _made_at(of) > _made_at(judged)
    ]
    if judged.refused is not None or not later:
        return judged
    return replace(judged, doubts=(*judged.doubts, f"the team sent {later[-1].path.name} later, which is not ranked"))


def _beside_namesakes(judged: Judged, teams: Collection[str]) -> Judged:
    """Doubt a team whose name is another one's but for case and spaces: it may be the same team twice."""

    def letters(name: str) -> str:
        return " ".join(unicodedata.normalize("NFKC", name).casefold().split())

    namesakes = [team for team in teams if team != judged.team and letters(team) == letters(judged.team)]
    if judged.refused is not None or not namesakes:
        return judged
    return replace(judged, doubts=(*judged.doubts, f"another team has nearly its name: {', '.join(namesakes)}"))


def _name_of(path: Path) -> str:
    """What a submission is called whose team is not known."""
    name = escaped(path.stem)
    return f"the file {name}" if unfit(name) else name


def _check_names(submission: Submission) -> None:
    """Refuse names that would show something else than they are, in the table or on the page."""
    check_name("team", submission.team)
    for run in (*submission.references, *submission.systems):
        check_name("name of a system", run.architecture)
        check_name("name of a device", run.device)


def _check_origin(submission: Submission, kit: Kit) -> None:
    if submission.seal is None:
        raise InputError("found no checksum, expected the file that isojoule wrote")
    if submission.kit != checksum(kit):
        raise InputError("was measured with another kit, expected this one")
    here, there = kit.software["isojoule"], submission.software.get("isojoule")
    if here != there:
        raise InputError(f"was measured with isojoule {there or 'of no version'}, expected {here} as in the kit")


def _repeats(runs: Sequence[Measured], kit: Kit) -> dict[str, Repeats]:
    """The repeats by system of those runs of the kit's phase that have an energy.

    Raises:
        InputError: repeats differ by so much that no mean stands for them.
    """
    of_phase = [run for run in runs if run.phase == kit.phase and run.outcome == "ok" and run.energy_kwh is not None]
    by_name: dict[str, list[Measured]] = {}
    for run in of_phase:
        by_name.setdefault(run.architecture, []).append(run)
    return {name: _averaged(name, of_system) for name, of_system in by_name.items()}


def _averaged(name: str, runs: Sequence[Measured]) -> Repeats:
    energies = tuple(run.energy_kwh for run in runs if run.energy_kwh is not None)
    if max(energies) > DISAGREEING_FACTOR * min(energies):
        raise InputError(
            f"{name}: found repeats of {min(energies):.3g} to {max(energies):.3g} kWh, expected a factor of "
            f"{DISAGREEING_FACTOR:g} at most"
        )

    def mean(values: list[float | int | None]) -> float | None:
        known = [float(value) for value in values if value]
        return float(np.mean(known)) if len(known) == len(runs) else None

    return Repeats(
        System(
            float(np.mean(energies)),
            mean([run.duration_s for run in runs]),
            mean([run.flops for run in runs]),
            mean([run.params for run in runs]),
        ),
        energies,
        tuple(dict.fromkeys(run.energy_kind for run in runs if run.energy_kind is not None)),
    )


def _check_references(submission: Submission, references: Mapping[str, Repeats], kit: Kit) -> None:
    if len(references) < 2:
        others = [f"{run.architecture} {run.outcome}" for run in submission.references if run.outcome != "ok"]
        because = f" ({', '.join(dict.fromkeys(others))})" if others else ""
        raise InputError(f"found {counted(len(references), 'reference')} with an energy{because}, expected two or more")
    ratios = {name: of.system.energy_kwh / kit.references_kwh[name] for name, of in references.items()}
    middle = float(np.median(list(ratios.values())))
    if not 1 / PLAUSIBLE_FACTOR < middle < PLAUSIBLE_FACTOR:
        raise InputError(f"the references took {middle:.3g} times the energy on the target, which no GPU does")
    for name, ratio in ratios.items():
        if not 1 / ODD_FACTOR < ratio / middle < ODD_FACTOR:
            raise InputError(
                f"{name} took {ratio:.3g} times its energy on the target, and the middle reference {middle:.3g} times"
            )


def _check_runs(submission: Submission) -> None:
    """Refuse runs that no board can have done, or that are not of one board and one kind of energy."""
    runs = [run for run in (*submission.references, *submission.systems) if run.energy_kwh is not None]
    first = runs[0]
    for run in runs:
        for what, found, expected in (
            ("device", run.device, first.device),
            ("number of devices", run.devices, first.devices),
            ("kind of energy", run.energy_kind, first.energy_kind),
        ):
            if found != expected:
                raise InputError(
                    f"{run.architecture}: found {what} {found or 'not stated'}, expected {expected or 'not stated'} "
                    "as of the references"
                )
        if run.power_limit_w and run.duration_s and run.energy_kwh:
            power_w = run.energy_kwh * 3.6e6 / run.duration_s / run.devices
            if power_w > POWER_FACTOR * run.power_limit_w:
                raise InputError(
                    f"{run.architecture}: found {power_w:.0f} W on average, expected at most the board's limit of "
                    f"{run.power_limit_w:.0f} W: its duration and its energy do not belong together"
                )


def _power_w(repeats: Repeats) -> float:
    """Mean power of a run in W; 0 where no duration is known."""
    system = repeats.system
    return system.energy_kwh * 3.6e6 / system.duration_s if system.duration_s else 0.0


def _doubts(
    submission: Submission, references: Mapping[str, Repeats], systems: Mapping[str, Repeats], kit: Kit
) -> list[str]:
    runs = [*submission.references, *submission.systems]
    flags = dict.fromkeys(flag for run in runs for flag in run.flags if flag in DOUBTFUL)
    doubts = []
    for flag in flags:
        names = dict.fromkeys(run.architecture for run in runs if flag in run.flags)
        doubts.append(f"{flag}: {', '.join(names)}")
    if missing := [name for name in kit.references_kwh if name not in references]:
        doubts.append(f"no energy of the references {', '.join(missing)}")
    doubts += [
        f"{run.architecture} {run.outcome}{f': {run.message}' if run.message else ''}"
        for run in submission.systems
        if run.outcome != "ok" and run.architecture not in systems
    ]
    powers_w = [_power_w(of) for of in references.values()]
    for name, of in systems.items():
        power_w = _power_w(of)
        if power_w and all(powers_w) and not min(powers_w) / ODD_FACTOR < power_w < max(powers_w) * ODD_FACTOR:
            doubts.append(
                f"{name} drew {power_w:.3g} W on average, the references {min(powers_w):.3g} to {max(powers_w):.3g} W"
            )
    for package in DECISIVE:
        here, there = kit.software.get(package), submission.software.get(package)
        if here and there and here.split("+")[0] != there.split("+")[0]:
            doubts.append(f"{package} {there}, the study had {here}")
    if kit.target_device is not None and kit.target_device == submission.references[0].device:
        doubts.append("measured on a GPU of the target's name")
    return doubts
