"""The results of a study that several files of tests look at."""

import pytest
from simulated import write_results


@pytest.fixture
def folder(tmp_path, demo):
    """Records and counts of a whole study, energy rising by cell."""
    write_results(demo, tmp_path)
    return tmp_path


@pytest.fixture
def path(folder):
    return folder / "records" / "cpu-1thread" / "mlp-1x16" / "train-0.json"
