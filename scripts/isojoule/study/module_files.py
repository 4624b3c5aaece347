"""Where the code of a module lies, ours or the user's, and what its text imports.

The user's code is what is imported from the current folder, or from elsewhere but where libraries are installed: an
editable installation, a folder on PYTHONPATH.
"""

import ast
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
# calls whose first argument names a module
IMPORTING = ("import_module", "__import__")
# the modules that `from package import *` imports
OF_STAR = "__all__"
# as Python looks for a module: a package, then what is compiled, then a text
ENDINGS = [*(f"/__init__{end}" for end in SOURCE_SUFFIXES), *EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES]
# texts that are compiled by a program which a module calls, beside what Python itself imports
CODE = {
    ".pyx",
    ".pxd",
    ".pxi",
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".cu",
    ".cuh",
    ".h",
    ".hpp",
    ".so",
    ".pyd",
    ".dylib",
    ".py",
}
INSTALLED = {"site-packages", "dist-packages"}


def file_of(name: str) -> Path | None:
    """Return the file of a module, ours or the user's; none of a library's or of one that is not there."""
    package, _, rest = name.partition(".")
    if package == "isojoule":
        return _file_in(LIBRARY.parent, name) if rest else LIBRARY / "__init__.py"
    # the current folder is the last one on the path
    for folder, file in _places_elsewhere(package):
        found = file if not rest else None if folder is None else _file_in(folder, rest)
        if found is not None:
            return found
    return _file_in(Path.cwd(), name)


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
            base = _absolute("." * node.level + (node.module or ""), package)
            if base:
                yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Call) and (names := named_by_call(node, package)):
            yield from names
        elif is_of_star(node):
            yield from (f"{module}.{text}" for text in texts_in(node))


def named_by_call(node: ast.Call, package: str = "") -> list[str]:
    """Return the modules that a call imports; none where it imports nothing, or a name that only running it can tell.

    Args:
        node: the call.
        package: that its module is in, for relative names.
    """
    called = name_of(node.func)
    if called not in IMPORTING or not node.args or not all(isinstance(value, ast.Constant) for value in node.args[:1]):
        return []
    name, *others = [value.value if isinstance(value, ast.Constant) else None for value in node.args]
    if not isinstance(name, str) or not name or node.keywords:
        return []
    if called == "__import__":
        return [name] if not others else []
    if others:
        package = others[0] if isinstance(others[0], str) else package
        own = node.args[1]
        is_own = isinstance(own, ast.Constant) or (isinstance(own, ast.Name) and own.id in ("__package__", "__name__"))
        if len(others) > 1 or not is_own:
            return []
    absolute = _absolute(name, package)
    return [absolute] if absolute else []


def is_of_star(node: ast.AST) -> bool:
    """Say whether a statement says what `from package import *` imports."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == OF_STAR for target in targets)


def texts_in(tree: ast.AST) -> set[str]:
    """Return the texts in a syntax tree that are short enough to name something."""
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and 0 < len(text) < 256}


def name_of(node: ast.AST) -> str:
    """Return the last part of a dotted name; empty of any other expression."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def package_folder(path: Path, module: str) -> Path | None:
    """Return the folder of the outermost package that a module is in; none where it is in none.

    Args:
        path: the module's file.
        module: its dotted name.
    """
    is_package = path.name == "__init__.py"
    depth = module.count(".") + is_package
    return path.parents[depth - 1] if depth else None


def whole(path: Path, module: str, is_within: bool) -> list[Path]:
    """Return all files that may belong to a module: those of its outermost package, and code beside it.

    In the current folder, that is the code below it as well; elsewhere, projects of others may lie there.

    Args:
        path: file of the module.
        module: its dotted name.
        is_within: whether what the module runs can only lie in its own package.
    """
    package = package_folder(path, module)
    root = (package or path).parent
    files = list(files_in(package)) if package else []
    if not (package and is_within):
        is_here = root.resolve() == Path.cwd().resolve()
        files += [file for file in (code_in(root) if is_here else root.glob("*")) if file.suffix in CODE]
    return sorted({file for file in files if file.is_file()})


@cache
def files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files in a folder and below it, through links as well, but hidden ones and what Python keeps."""
    return tuple(file for file in _walk(folder, lambda _: False) if file.is_file())


@cache
def code_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of code in a folder and below it that are not of environments, or of this library."""
    return tuple(file for file in _walk(folder, _is_of_others) if file.suffix in CODE)


def _walk(folder: Path, is_left_out: Callable[[Path], bool]) -> Iterator[Path]:
    been: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        here = Path(parent)
        been.add(os.path.realpath(parent))
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name != "__pycache__"
            and os.path.realpath(here / name) not in been
            and not is_left_out(here / name)
        ]
        yield from (here / name for name in names if not name.startswith("."))


def _is_of_others(folder: Path) -> bool:
    """Say whether a folder beside the user's code holds none of it."""
    repository = LIBRARY.parent.parent
    ours = (LIBRARY, repository / "tests", repository / "benchmarks")
    return folder.name in INSTALLED or (folder / "pyvenv.cfg").exists() or folder.resolve() in ours


# every fingerprint of a study asks for the same names
@cache
def _file_in(folder: Path, name: str) -> Path | None:
    path = folder.joinpath(*name.split("."))
    files = (path.parent / f"{path.name}{ending}" for ending in ENDINGS)
    return next((file for file in files if file.is_file()), None)


@cache
def _places_elsewhere(package: str) -> tuple[tuple[Path | None, Path | None], ...]:
    """Return where on the path a package or module of the user lies, as its folder and its file; none for libraries.

    A module has no folder. A package without a file may lie in several folders, and one that is installed for editing
    in a folder of another name.
    """
    if not package.isidentifier() or package in sys.stdlib_module_names:
        return ()
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return ()
    if spec is None:
        return ()
    file = Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    return tuple(
        (place if place in folders else None, file)
        for place in folders or ([file] if file else [])
        if place.exists() and not _is_installed(place.resolve())
    )


def _is_installed(place: Path) -> bool:
    libraries = (Path(sysconfig.get_paths()[name]).resolve() for name in ("purelib", "platlib", "stdlib"))
    return bool(INSTALLED.intersection(place.parts)) or any(map(place.is_relative_to, libraries))


def _absolute(name: str, package: str) -> str:
    """Return the name of a module without dots before it; empty where they lead out of its package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".") if package else []
    if level - 1 > len(parts):
        return ""
    base = parts[: len(parts) - (level - 1)]
    return ".".join([*base, *([name[level:]] if name[level:] else [])])
