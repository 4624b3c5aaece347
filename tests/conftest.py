import copy
import os
import tempfile
from pathlib import Path

# the matrices of tests are too small to be shared among threads, which would wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pynvml
import pytest
from fingerprints import anew
from nvml_below import driver as nvml_driver
from nvml_below import library
from studies import changed

from isojoule.simulation import worlds
from isojoule.study import reading

PROJECT = Path(__file__).parents[1]

# hypothesis must not fail a test because the machine was slow
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

# no test needs a true energy, so that the windows of tests that run beside each other, or beside a study, need not wait
LOCKS = tempfile.TemporaryDirectory(prefix="isojoule-tests-")
os.environ["ISOJOULE_LOCKS"] = LOCKS.name
# a test whose programs are those of several users needs a folder for all of them, as /tmp is
Path(LOCKS.name).chmod(0o1777)


@pytest.fixture(scope="session")
def demo():
    """Return the demo with two repeats, three networks of each family and the defaults of normalization."""
    architectures = {
        "mlp": [{"layers": 1, "hidden": [16, 32, 64]}],
        "cnn": [{"layers": 2, "hidden": [2, 4, 8]}],
        "rnn": [{"layers": 1, "hidden": [16, 32, 64]}],
        "crnn": [{"layers": [[5, 1]], "hidden": [[4, 16], [8, 16], [8, 32]]}],
    }
    values = {"repeats": 2, "architectures": architectures, "normalization": {}}
    return changed(reading.load(PROJECT / "config" / "demo.yaml"), values)


@pytest.fixture(scope="session")
def published():
    return reading.load(PROJECT / "config" / "config.yaml")


@pytest.fixture
def fingerprint(tmp_path, monkeypatch):
    """The fingerprint of a user's module with this text."""
    monkeypatch.chdir(tmp_path)

    def of(text):
        (tmp_path / "my_net.py").write_text(text)
        return anew("my_net")

    return of


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """A fresh driver below the real binding, for us and for CodeCarbon, outside of any container."""
    from codecarbon.core import gpu, gpu_nvidia

    from isojoule.energy import company, edges

    before = copy.deepcopy(vars(nvml_driver.driver))
    (tmp_path / "pid-namespace").symlink_to(company.FIRST_NAMESPACE)
    monkeypatch.setattr(company, "NAMESPACE", tmp_path / "pid-namespace")
    # its counter has no lag, which no certificate of it says
    monkeypatch.setattr(edges, "LONGEST_LATE_S", 0.0)
    # CodeCarbon imports the binding only where there is a program nvidia-smi
    monkeypatch.setattr(gpu_nvidia, "pynvml", pynvml)
    monkeypatch.setattr(gpu, "PYNVML_AVAILABLE", True)
    monkeypatch.setattr(gpu, "is_nvidia_system", lambda: True)
    remove = library.install()
    yield nvml_driver
    remove()
    vars(nvml_driver.driver).clear()
    vars(nvml_driver.driver).update(before)


@pytest.fixture(scope="session")
def world():
    return worlds.world(0)


@pytest.fixture(scope="session")
def small(world):
    """Return three GPUs, sixteen systems and one phase of the world, which are quick to compute with."""
    names = sorted(world["architecture"].unique())[::3]
    gpus = list(world["gpu"].unique()[:3])
    kept = world["architecture"].isin(names) & world["gpu"].isin(gpus) & (world["phase"] == "train")
    return world[kept].assign(macro_f1=lambda frame: np.log(frame["params"].astype(float)) / 25)
