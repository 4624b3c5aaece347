"""Where a number comes from: machine, versions, commit and SLURM job."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

import isojoule
from isojoule.records.measurement import Gpu, Hardware, Provenance, Slurm

PACKAGES = ("torch", "codecarbon", "nvidia-ml-py", "numpy", "soundfile", "soxr", "scikit-learn", "snakemake")
CPUINFO = Path("/proc/cpuinfo")
# variables that decide with which numbers, kernels, threads or devices a job computes
DECISIVE_VARIABLES = re.compile(
    r"NVIDIA_TF32_OVERRIDE|PYTORCH_.*|TORCH_.*|TORCHINDUCTOR_.*|DISABLE_ADDMM_CUDA_LT|LD_PRELOAD|MALLOC_.*|SLURM_.*_FREQ"
    r"|CUBLAS.*|CUDNN_.*|CUDA_.*|NCCL_.*|OMP_.*|MKL_.*|KMP_.*|OPENBLAS_.*|ONEDNN_.*|DNNL_.*|GOMP_.*|ATEN_.*"
)


def now() -> str:
    """Return the time, UTC, ISO 8601 to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def hardware(gpu: Gpu | None = None, further_gpus: Sequence[Gpu] = ()) -> Hardware:
    """Describe this machine, and the GPUs that the program computes on."""
    return Hardware(
        hostname=platform.node(),
        cpu=cpu_model() or platform.processor() or "unknown",
        cpu_cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        gpu=gpu,
        further_gpus=list(further_gpus),
        cpu_governor=_governor(),
    )


def _governor() -> str | None:
    """Return how the kernel chooses the clock of the first core, or None where it does not say."""
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def provenance(
    attempt: int,
    configuration_fingerprint: str,
    code_fingerprint: str,
    data_fingerprint: str | None = None,
    failed_attempts: int = 0,
    certificates: Sequence[str] = (),
) -> Provenance:
    """Gather versions, commit and SLURM job of this process, and the fingerprints of what decided its record."""
    return Provenance(
        commit=_commit(),
        configuration_fingerprint=configuration_fingerprint,
        code_fingerprint=code_fingerprint,
        data_fingerprint=data_fingerprint,
        software=software(),
        environment=environment(),
        certificates=list(certificates),
        attempt=attempt,
        failed_attempts=failed_attempts,
        slurm=slurm(),
    )


def environment() -> dict[str, str]:
    """Return the variables of the environment that decide numbers or power, by name."""
    return {name: value for name, value in sorted(os.environ.items()) if DECISIVE_VARIABLES.fullmatch(name)}


@cache
def software() -> dict[str, str]:
    """Return the versions of the interpreter, the system and the packages that decide a measurement, by name."""
    versions = {"isojoule": isojoule.__version__, "python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    torch = sys.modules.get("torch")
    if torch is not None and torch.version.cuda:
        versions["cuda"] = torch.version.cuda
        versions["cudnn"] = str(torch.backends.cudnn.version())
    return versions


@cache
def _commit() -> str | None:
    folder = Path(isojoule.__file__).parent
    described = subprocess.run(
        ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or None if described.returncode == 0 else None


def slurm() -> Slurm | None:
    """Describe the SLURM job that this process is in; none where it is in none."""
    job_id = os.environ.get("SLURM_JOB_ID")
    if not job_id:
        return None
    return Slurm(
        job_id=job_id,
        partition=os.environ.get("SLURM_JOB_PARTITION"),
        node=os.environ.get("SLURMD_NODENAME"),
        restart_count=int(os.environ.get("SLURM_RESTART_COUNT", "0")),
    )


def cpu_model() -> str | None:
    """Return the CPU's name as the kernel gives it, or None where it gives none."""
    return _of_cpu("model name")


def cpu_features() -> frozenset[str] | None:
    """Return what the CPU can do, in the kernel's words such as avx512f, or None where it does not tell."""
    listed = _of_cpu("flags") or _of_cpu("Features")
    return None if listed is None else frozenset(listed.split())


def _of_cpu(key: str) -> str | None:
    """What the kernel tells of the first core under a key."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), None)
