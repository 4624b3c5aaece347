"""Find the modules that a stage of the workflow executes, and make one fingerprint of what they do.

A fingerprint is made of syntax trees. Comments, docstrings, formatting, the dates of files and the version of Python do
not change it. Libraries are not in it: after an upgrade nothing runs again by itself. Of the user's modules, files that
they name and compiled extensions are in it as well; where a module runs what no reader can follow, all files of its
package are, and a line says so.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from isojoule.errors import InputError
from isojoule.study.module_files import (
    IMPORTING,
    beside,
    cannot_be_followed,
    file_of,
    imported_names,
    named_files,
    package_folder,
)

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
        path = file_of(name)
        if name in files or path is None:
            continue
        files[name] = path
        to_visit += [name.rpartition(".")[0]] if "." in name else []
        to_visit += _imported(path, name)
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
            digest.update(f"{name}\n{_words(path)}\n".encode())
            for number, content in enumerate(_beside(path, name) if not name.startswith("isojoule.") else ()):
                digest.update(f"{name} {number}\n{content}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _imported(path: Path, module: str) -> tuple[str, ...]:
    names = [name for node in _read(path)[0] for name in imported_names(node, path, module)]
    return tuple(name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


def _words(path: Path) -> str:
    """The logic of a module in words, or the hash of one that is compiled."""
    return _read(path)[1] if path.suffix == ".py" else _hash(path)


@cache
def _beside(path: Path, module: str) -> tuple[str, ...]:
    """The content of what decides a module of the user beside its own text: files that it names, and all if need be."""
    if path.suffix != ".py":
        return ()
    tree = _parsed(path)
    contents = [f"{file.name} {_hash(file)}" for file in named_files(tree, path, module)]
    if reason := cannot_be_followed(tree):
        package = package_folder(path, module)
        where = "Python files beside it" if package is None else f"files of {package.name}"
        print(f"{path}: {reason}: all {where} decide what is measured again", file=sys.stderr, flush=True)
        contents += [f"{file.relative_to(package or path.parent)} {_content(file)}" for file in beside(path, module)]
    return tuple(contents)


def _content(file: Path) -> str:
    try:
        return _words(file)
    except InputError:
        # a file that is not Python is not imported, but may be read
        return _hash(file)


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise InputError(f"{path}: is not Python: line {error.lineno}: {error.msg}") from error
    except ValueError as error:
        raise InputError(f"{path}: is not Python: {error}") from error


@cache
def _read(path: Path) -> tuple[list[ast.AST], str]:
    """Return the imports of a file, and its logic in words."""
    if path.suffix != ".py":
        return [], _hash(path)
    imports: list[ast.AST] = []
    words: list[str] = []
    _collect(_parsed(path), words, imports)
    return imports, " ".join(words)


def _collect(node: ast.AST, words: list[str], imports: list[ast.AST]) -> None:
    """Append the tree in words, without docstrings, positions, and empty fields, which differ between Pythons."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        # the body is never executed, only the branch in its place
        for statement in node.orelse:
            _collect(statement, words, imports)
        return
    words.append(f"({type(node).__name__}")
    if isinstance(node, ast.Import | ast.ImportFrom) or _imports(node):
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


def _imports(node: ast.AST) -> bool:
    """Say whether a node is a call that imports a module by its name."""
    return isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in IMPORTING
