import copy
from pathlib import Path

import pytest

from isojoule import configuration

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def _demo():
    return configuration.load(PROJECT / "config" / "demo.yaml")


@pytest.fixture
def demo(_demo):
    """The demo's configuration, to change at will."""
    return copy.deepcopy(_demo)


@pytest.fixture(scope="session")
def published():
    return configuration.load(PROJECT / "config" / "config.yaml")
