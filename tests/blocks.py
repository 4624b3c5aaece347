"""The block that the tests of blocks measure, and how they look at what it left."""

from isojoule.measuring.block import Block
from isojoule.study.cells import Cell

GPU = "cpu-1thread"
TRAIN, TEST = Cell(GPU, "mlp-1x4", "train", 0), Cell(GPU, "mlp-1x4", "test", 0)


def up_to_date(study, results, machine, names=None, repeat=0):
    Block(study, GPU, repeat, results, machine).measure(names)


def records(results):
    return {str(path.relative_to(results / "records")): path for path in (results / "records").rglob("*.json")}
