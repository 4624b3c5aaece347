"""Where the code of a module lies, ours or the user's, and what else beside it decides what the module does.

The user's code is what is imported from the current folder, or from elsewhere but where libraries are installed: an
editable installation, a folder on PYTHONPATH.
"""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
# calls whose first argument names a module
IMPORTING = ("import_module", "__import__", "spec_from_file_location")
# calls that run code which no import names
RUNNING = ("exec", "eval", "run_path", "run_module", "exec_module", "load_module")
# files larger than this are data of a study rather than of a module
LARGEST_BYTES = 64 * 2**20


def file_of(name: str) -> Path | None:
    """Return the file of a module, ours or the user's; none of a library's or of one that is not there."""
    package, _, rest = name.partition(".")
    if package == "isojoule":
        return _file_in(LIBRARY, rest)
    if (path := _file_in(Path.cwd(), name)) is not None:
        return path
    root = _root_elsewhere(package)
    return None if root is None else _file_in(root, name)


def imported_names(tree: ast.AST, path: Path, module: str) -> Iterator[str]:
    """Yield the names of all modules that a module imports, with relative names made absolute.

    Args:
        tree: the module's syntax tree, or an import statement of it.
        path: its file.
        module: its dotted name.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base:
                yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and _called(node) in IMPORTING and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{package}{first.value}" if first.value.startswith(".") and package else first.value


def package_folder(path: Path, module: str) -> Path | None:
    """Return the folder of the outermost package that a module is in; none where it is in none.

    Args:
        path: the module's file.
        module: its dotted name.
    """
    is_package = path.name == "__init__.py"
    depth = module.count(".") + is_package
    return path.parents[depth - 1] if depth else None


def named_files(tree: ast.AST, path: Path, module: str) -> list[Path]:
    """Return the files that a text in a module names: beside it, below the current folder, or anywhere in its package.

    Args:
        tree: the module's syntax tree.
        path: its file.
        module: its dotted name.
    """
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 256
    }
    package = package_folder(path, module)
    candidates = [] if package is None else [file for file in _files_in(package) if file.name in texts]
    for text in texts:
        for folder in (path.parent, Path.cwd()):
            try:
                candidates += [folder / text] if (folder / text).is_file() else []
            except (OSError, ValueError):
                continue
    return sorted({file.resolve() for file in candidates if file.suffix != ".py" and _is_small(file)})


def cannot_be_followed(tree: ast.AST) -> str | None:
    """Say what a module does that no reader of its text can follow; none where it does nothing such."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = _called(node)
        is_computed = called in IMPORTING and not (node.args and isinstance(node.args[0], ast.Constant))
        if is_computed:
            return f"line {node.lineno}: {called} with a name that is computed"
        if called in RUNNING and isinstance(node.func, ast.Name | ast.Attribute) and not _is_method(node):
            return f"line {node.lineno}: {called} runs code that no import names"
    return None


def beside(path: Path, module: str) -> list[Path]:
    """Return all files that may belong to a module: those of its outermost package, or the Python files beside it.

    Args:
        path: file of the module.
        module: its dotted name.
    """
    package = package_folder(path, module)
    if package is None:
        return sorted(filter(_is_small, path.parent.glob("*.py")))
    return sorted(filter(_is_small, _files_in(package)))


def _files_in(package: Path) -> list[Path]:
    """Return the files of a package, but for hidden ones and what Python keeps."""
    return [
        file
        for file in package.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(package).parts)
    ]


def _is_small(file: Path) -> bool:
    return file.stat().st_size <= LARGEST_BYTES


# every fingerprint of a study asks for the same names
@cache
def _file_in(folder: Path, name: str) -> Path | None:
    path = folder.joinpath(*name.split("."))
    names = [path.with_suffix(".py"), path / "__init__.py"]
    names += [path.with_name(f"{path.name}{suffix}") for suffix in EXTENSION_SUFFIXES]
    return next((file for file in names if file.is_file()), None)


@cache
def _root_elsewhere(package: str) -> Path | None:
    """Return the folder on the path in which the user's package or module lies; none for libraries."""
    if not package.isidentifier() or package in sys.stdlib_module_names:
        return None
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None:
        return None
    places = [*(spec.submodule_search_locations or []), *([spec.origin] if spec.origin else [])]
    installed = {Path(sysconfig.get_paths()[name]).resolve() for name in ("purelib", "platlib", "stdlib")}
    for place in map(Path, places):
        if place.exists() and not any(place.resolve().is_relative_to(folder) for folder in installed):
            is_file = place.is_file()
            return place.parent.parent if is_file and place.name == "__init__.py" else place.parent
    return None


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the name of the module that an import is from; empty where it leaves the package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level - 1 > len(parts):
        return ""
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_method(node: ast.Call) -> bool:
    """Say whether a call is of a method such as `model.eval()`, and not of a function of that name."""
    function = node.func
    modules = ("runpy", "importlib", "builtins", "loader", "spec")
    return isinstance(function, ast.Attribute) and getattr(function.value, "id", getattr(
        function.value, "attr", "")) not in modules  # fmt: skip
