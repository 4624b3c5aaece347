"""Find the modules that a stage of the workflow executes, and make one fingerprint of what they do.

A fingerprint is made of syntax trees. Comments, docstrings, formatting, the dates of files and the version of Python do
not change it. Libraries are not in it: after an upgrade nothing runs again by itself. Of the user's modules, files that
they name and compiled extensions are in it as well; where a module runs what no reader can follow, all files of its
package are, or all code beside it, and a line says so.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from isojoule.errors import InputError
from isojoule.study.module_files import (
    IMPORTING,
    file_of,
    files_in,
    imported_names,
    is_of_star,
    package_folder,
    whole,
)
from isojoule.study.named_files import files_named_by, listed_folders, named_files
from isojoule.study.unfollowed import unfollowed

# what a workload's description decides is in the configuration's slices, which have fingerprints of their own
DECISIVE_ROOMS = ("measuring", "energy", "compute", "workloads")
DESCRIPTION = "description"
# of larger files, their size and as much as this of both their ends counts
LARGEST_BYTES = 64 * 2**20
END_BYTES = 2**20
# of a folder with more files, or larger than one file, names and sizes count
MOST_FILES = 1000


def modules(*entries: str) -> dict[str, Path]:
    """Find every module of ours, or of the user in the current folder, that the entries import, even inside functions.

    Args:
        entries: dotted names of modules.

    Returns:
        the file of each module by its dotted name.
    """
    files: dict[str, Path] = {}
    # most names were met before, and to look for a file takes longest
    met: set[str] = set()
    to_visit = list(entries)
    while to_visit:
        name = to_visit.pop()
        if name in met:
            continue
        met.add(name)
        path = file_of(name)
        if path is None:
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
def fingerprint(*entries: str, every_module: bool = False, texts: frozenset[str] = frozenset()) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of what the modules behind `entries` do.

    Args:
        entries: as for `modules`.
        every_module: whether all modules count, as for cheap stages, or only those that decide measurements.
        texts: that a model of the user gets from the configuration, and which may name modules and files.

    Raises:
        InputError: a module of the user cannot be read, or is not Python.
    """
    digest = hashlib.sha256()
    for name, path in sorted(modules(*entries, *_modules_named_by(texts)).items()):
        if every_module or decides_measurements(name):
            digest.update(f"{name}\n{_words(path)}\n".encode())
            for number, content in enumerate(_beside(path, name) if not name.startswith("isojoule.") else ()):
                digest.update(f"{name} {number}\n{content}\n".encode())
    for file in files_named_by(texts):
        digest.update(f"{file.name} {_content(file)}\n".encode())
    return digest.hexdigest()[:16]


def _modules_named_by(texts: frozenset[str]) -> list[str]:
    """The modules of the user that texts such as package.module:Class name."""
    parts = [text.replace(":", ".").split(".") for text in texts]
    names = [".".join(words[:number]) for words in parts if all(words) for number in range(1, len(words) + 1)]
    return sorted(name for name in set(names) if not name.startswith("isojoule") and file_of(name) is not None)


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
    contents = [f"{file.name} {_content(file)}" for file in named_files(tree, path, module)]
    contents += [line for folder in listed_folders(tree, path) for line in _of_folder(folder)]
    if reason := unfollowed(tree, module, path.name == "__init__.py"):
        package = package_folder(path, module)
        is_counted = reason.is_code or package is not None
        files = whole(path, module, reason.is_within) if is_counted else []
        where = f"all files of {package.name}" if package else "all files of code beside it"
        if package and not reason.is_within:
            where += " and of code beside it"
        if not is_counted:
            where = "only files that a text in it or the arguments of the model name"
        print(f"{path}: {reason.words}: {where} decide what is measured again", file=sys.stderr, flush=True)
        root = (package or path).parent
        contents += [f"{file.relative_to(root)} {_content(file)}" for file in files]
    return tuple(contents)


def _of_folder(folder: Path) -> list[str]:
    """The content of the files of a folder, or of a large one, such as a data set, their names and sizes."""
    files = sorted(files_in(folder))
    sizes = [file.stat().st_size for file in files]
    names = [str(file.relative_to(folder)) for file in files]
    if len(files) <= MOST_FILES and sum(sizes) <= LARGEST_BYTES:
        return [f"{name} {_content(file)}" for name, file in zip(names, files, strict=True)]
    return [f"{name} {size}" for name, size in zip(names, sizes, strict=True)]


def _content(file: Path) -> str:
    try:
        return _words(file)
    except InputError:
        # a file that is not Python is not imported, but may be read
        return _hash(file)


@cache
def _hash(file: Path) -> str:
    try:
        with file.open("rb") as content:
            size = file.stat().st_size
            if size <= LARGEST_BYTES:
                return hashlib.file_digest(content, "sha256").hexdigest()
            ends = hashlib.sha256(f"{size}\n".encode() + content.read(END_BYTES))
            content.seek(size - END_BYTES)
            ends.update(content.read(END_BYTES))
            return ends.hexdigest()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise InputError(f"{path}: is not Python: {line}{error.msg}") from error
    except ValueError as error:
        raise InputError(f"{path}: is not Python: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise _too_deep(path) from error


def _too_deep(path: Path) -> InputError:
    return InputError(f"{path}: is nested too deeply to be read, expected an expression of some hundred terms")


@cache
def _read(path: Path) -> tuple[list[ast.AST], str]:
    """Return the imports of a file, and its logic in words."""
    if path.suffix != ".py":
        return [], _hash(path)
    imports: list[ast.AST] = []
    words: list[str] = []
    tree = _parsed(path)
    try:
        _collect(tree, words, imports)
    except RecursionError as error:
        raise _too_deep(path) from error
    return imports, " ".join(words)


def _collect(node: ast.AST, words: list[str], imports: list[ast.AST]) -> None:
    """Append the tree in words, without docstrings, positions, and empty fields, which differ between Pythons."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        # the body is never executed, only the branch in its place
        for statement in node.orelse:
            _collect(statement, words, imports)
        return
    words.append(f"({type(node).__name__}")
    if isinstance(node, ast.Import | ast.ImportFrom) or _imports(node) or is_of_star(node):
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
