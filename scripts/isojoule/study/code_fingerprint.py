"""Find the modules that a stage of the workflow executes, and make one fingerprint of what they do.

A fingerprint is made of syntax trees. Comments, docstrings, formatting, the dates of files and the version of Python do
not change it. Libraries are not in it: after an upgrade nothing runs again by itself.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from isojoule.errors import InputError

LIBRARY = Path(__file__).parents[1]

# what a workload's description decides is in the configuration's slices, which have fingerprints of their own
DECISIVE_ROOMS = ("measuring", "energy", "compute", "workloads")
DESCRIPTION = "description"


def modules(*entries: str) -> dict[str, Path]:
    """Find every module of ours, or of the user in the current folder, that the entries import, even inside functions.

    Args:
        entries: dotted names of modules.

    Returns:
        the file of each module by its dotted name.
    """
    files: dict[str, Path] = {}
    to_visit = list(entries)
    while to_visit:
        name = to_visit.pop()
        path = _file(name)
        if name in files or path is None:
            continue
        files[name] = path
        to_visit += [name.rpartition(".")[0]] if "." in name else []
        to_visit += _imported(path)
    return files


def decides_measurements(module: str) -> bool:
    """Return whether what a module does can change a measured number.

    That is true of the user's modules, and of ours in the rooms where measuring happens. How a configuration is
    checked, a record written or a message worded changes no number, and must not measure anything again.

    Args:
        module: dotted name of the module.
    """
    package, *rooms = module.split(".")
    if package != "isojoule":
        return True
    return bool(rooms) and rooms[0] in DECISIVE_ROOMS and DESCRIPTION not in rooms


@cache
def fingerprint(*entries: str, every_module: bool = False) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of what the modules behind `entries` do.

    Args:
        entries: as for `modules`.
        every_module: whether all modules count, as for cheap stages, or only those that decide measurements.

    Raises:
        InputError: a module of the user is not Python.
    """
    digest = hashlib.sha256()
    for name, path in sorted(modules(*entries).items()):
        if every_module or decides_measurements(name):
            digest.update(f"{name}\n{_read(path)[1]}\n".encode())
    return digest.hexdigest()[:16]


def _file(name: str) -> Path | None:
    package, _, rest = name.partition(".")
    return _file_in(LIBRARY, rest) if package == "isojoule" else _file_in(Path.cwd(), name)


# every fingerprint of a study asks for the same names
@cache
def _file_in(folder: Path, name: str) -> Path | None:
    path = folder.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _imported(path: Path) -> tuple[str, ...]:
    names = []
    for node in _read(path)[0]:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


@cache
def _read(path: Path) -> tuple[list[ast.Import | ast.ImportFrom], str]:
    """Return the imports of a file, and its logic in words."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise InputError(f"{path}: is not Python: line {error.lineno}: {error.msg}") from error
    imports: list[ast.Import | ast.ImportFrom] = []
    words: list[str] = []
    _collect(tree, words, imports)
    return imports, " ".join(words)


def _collect(node: ast.AST, words: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """Append the tree in words, without docstrings, positions, and empty fields, which differ between Pythons."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        # the body is never executed, only the branch in its place
        for statement in node.orelse:
            _collect(statement, words, imports)
        return
    words.append(f"({type(node).__name__}")
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports.append(node)
    for field in node._fields:
        value = getattr(node, field, None)
        values = value if isinstance(value, list) else [value]
        if field == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            values = values[1:] if ast.get_docstring(node, clean=False) is not None else values
        if values := [item for item in values if item is not None]:
            words.append(f"{field}:")
        for item in values:
            if isinstance(item, ast.AST):
                _collect(item, words, imports)
            else:
                words.append(repr(item))
    words.append(")")
