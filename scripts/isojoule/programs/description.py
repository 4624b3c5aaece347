"""What a user says of a run, and what this machine says of itself: the record of a run that begins now."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from isojoule.naming import check_name
from isojoule.records import RunRecord, provenance
from isojoule.records.measurement import Gpu
from isojoule.records.run import RunProvenance

# versions of what measures; those of the program are in an environment of its own
MEASURING = ("isojoule", "python", "system", "codecarbon", "nvidia-ml-py")

Phase = Literal["train", "test"]


@dataclass(frozen=True)
class Description:
    """What the user says of a run.

    Attributes:
        name: of the system.
        phase: `train` or `test`.
        gpu: what the platform is called; none for the name of the device.
        flops: forward FLOPs of one example.
        params: number of parameters.
        quality: by name of the metric; more is better.

    Raises:
        InputError: a name shows something else than it is.
    """

    name: str
    phase: Phase = "train"
    gpu: str | None = None
    flops: int | None = None
    params: int | None = None
    quality: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what tables and pages will show."""
        check_name("name of the system", self.name)
        if self.gpu is not None:
            check_name("name of the platform", self.gpu)
        for quality in self.quality:
            check_name("name of a quality", quality)


def begun(description: Description, command: Sequence[str], gpus: Sequence[Gpu], *, is_part: bool = False) -> RunRecord:
    """Return the record of a run that begins now, with outcome `running`.

    Args:
        description: what the user says of it.
        command: the words of the command.
        gpus: the GPUs that the program sees; none where the CPU computes.
        is_part: whether a part of the program is measured.
    """
    now = provenance.now()
    hardware = provenance.hardware(gpus[0] if gpus else None, gpus[1:])
    return RunRecord(
        architecture=description.name,
        gpu=description.gpu or _named([gpu.name for gpu in gpus] or [hardware.cpu]),
        phase=description.phase,
        outcome="running",
        command=list(command),
        is_part=is_part,
        started_at=now,
        ended_at=now,
        flops=description.flops,
        params=description.params,
        quality=dict(description.quality),
        hardware=hardware,
        provenance=RunProvenance(
            software={name: value for name, value in provenance.software().items() if name in MEASURING},
            environment=provenance.environment(),
            slurm=provenance.slurm(),
        ),
    )


def name_of(command: Sequence[str]) -> str:
    """Return what a system is called that nobody named: its script, or else its program."""
    for word in command[1:]:
        if Path(word).suffix and Path(word).is_file():
            return Path(word).stem
    return Path(command[0]).name or command[0]


def _named(devices: Sequence[str]) -> str:
    return " and ".join(name if count == 1 else f"{count} x {name}" for name, count in Counter(devices).items())
