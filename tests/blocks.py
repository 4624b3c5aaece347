"""A block of a tiny study for the tests of blocks, and the records that it wrote."""

from isojoule.measuring.block import Block
from isojoule.study.cells import Cell

GPU = "cpu-1thread"
TRAIN, TEST = Cell(GPU, "mlp-1x4", "train", 0), Cell(GPU, "mlp-1x4", "test", 0)


def up_to_date(study, results, machine, names=None, repeat=0):
    """Measure the cells of these architectures that have no record yet, by default of all."""
    Block(study, GPU, repeat, results, machine).measure(names)


def records(results):
    """Return the files of all records by their path in the folder `records`."""
    return {str(path.relative_to(results / "records")): path for path in (results / "records").rglob("*.json")}
