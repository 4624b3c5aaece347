"""The house: upper rooms use lower ones and never the other way round, and nobody loads what its room must not."""

import ast
from pathlib import Path

import pytest

import isojoule
from isojoule.study import code_fingerprint

LIBRARY = Path(isojoule.__file__).parent
# from the ground up; rooms of one floor do not use each other
FLOORS = (
    ("errors", "units", "intervals"),
    ("readable", "naming"),
    ("files", "progress"),
    ("seals",),
    ("records",),
    ("flags",),
    ("configuration",),
    ("workloads",),
    ("study",),
    ("compute",),
    ("energy",),
    ("measuring",),
    ("tables",),
    ("programs",),
    ("pareto",),
    ("normalization", "compute_energy", "comparison", "literature", "simulation"),
    ("fronts",),
    ("findings",),
    ("figures",),
    ("report",),
    ("challenge",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
ANALYSIS = {room for room, floor in FLOOR.items() if FLOOR["tables"] <= floor <= FLOOR["report"]}
MODULES = sorted(LIBRARY.rglob("*.py"))


def imports(path):
    """Dotted names of all that a module imports, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_arrow_runs_up(path):
    if path == LIBRARY / "__init__.py":
        # `import isojoule` loads nothing
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(path.read_text()).body)
        return
    for name in imports(path):
        package, *parts = name.split(".")
        if package == "isojoule" and parts and parts[0] not in ("__version__", room(path)):
            assert FLOOR[parts[0]] < FLOOR[room(path)], f"{name} lies above"


@pytest.mark.parametrize("library", ["torch", "torchaudio", "deepspeed", "pynvml"])
def test_analysis_imports_nothing_that_measures(library):
    for path in MODULES:
        if room(path) in ANALYSIS:
            assert library not in {name.split(".")[0] for name in imports(path)}, path


@pytest.mark.parametrize("library", ["pandas", "matplotlib", "seaborn"])
def test_measuring_imports_nothing_that_analyses(library):
    for path in MODULES:
        if room(path) in ("measuring", "energy", "compute", "workloads", "configuration", "study", "records"):
            assert library not in {name.split(".")[0] for name in imports(path)}, path


def test_what_decides_a_measurement_follows_from_its_room():
    deciding = {path.relative_to(LIBRARY).with_suffix("").as_posix().replace("/", ".") for path in MODULES}
    deciding = {name for name in deciding if code_fingerprint.decides_measurements(f"isojoule.{name}")}
    assert {name.split(".")[0] for name in deciding} == {"measuring", "energy", "compute", "workloads"}
    assert not {name for name in deciding if ".description" in name}
    assert {"measuring.block", "energy.meter", "workloads.tagging.sessions", "workloads.tagging.models.mlp"} <= deciding


def test_a_room_is_not_a_drawer():
    """No folder has more than 40 modules, and no module of the library more than 450 lines."""
    for folder in {path.parent for path in MODULES}:
        assert len(list(folder.glob("*.py"))) <= 40, folder
    for path in MODULES:
        assert len(path.read_text().splitlines()) <= 450, path
