import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def cluster():
    """Run a real SLURM on this machine for as long as the tests run."""
    up = subprocess.run([HERE / "up"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if up.returncode == 77:
        pytest.skip(up.stderr.strip())
    assert up.returncode == 0, up.stderr
    yield
    subprocess.run([HERE / "down"], check=False)
