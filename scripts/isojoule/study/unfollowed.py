"""What a module of the user does that no reader of its text can follow, so that files count as a whole."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from isojoule.study.module_files import IMPORTING, is_of_star, name_of, named_by_call, texts_in

# names that load, list, build or run code, wherever they stand; no method of a model is called so
RUNNING = {
    *("spec_from_file_location", "spec_from_loader", "exec_module", "load_module", "run_path", "run_module"),
    *("SourceFileLoader", "SourcelessFileLoader", "ExtensionFileLoader", "zipimporter"),
    *("iter_modules", "walk_packages", "resolve_name", "entry_points", "iter_entry_points", "meta_path", "path_hooks"),
    *("addsitedir", "pyximport", "cpp_extension", "load_inline", "_target_", "hubconf", "FunctionType", "CodeType"),
}
# functions of these names run code where they stand alone, unlike `model.eval()`
BUILT_IN = {"exec", "eval", "compile", "execfile"}
# attributes and functions of modules that run code, by the module
OF_MODULES = {
    "sys": {"path"},
    "pydoc": {"locate"},
    "hub": {"load"},
    "torch": {"hub"},
    "builtins": BUILT_IN,
    "__builtins__": BUILT_IN,
    "utils": {"instantiate", "get_class"},
}
# modules that run code, which are followed only where something of theirs is called by its name
LOADERS = {"importlib", "builtins", "__builtins__", "runpy", "imp"}
READING = {
    *("open", "read_text", "read_bytes", "CDLL", "PyDLL", "load_library", "loadtxt", "genfromtxt", "fromfile"),
    *("memmap", "read_csv", "read_parquet", "read_json", "read_pickle", "load_file", "get_data", "check_output"),
}
# `load` of these reads a file; that of json or pickle reads what was opened
LOADING = {"torch", "np", "numpy", "jit", "joblib", "mmap"}
OF_PATHS = {"open", "read_text", "read_bytes"}


class Unfollowed(NamedTuple):
    """A reason to let files count as a whole.

    Attributes:
        words: where the module does what.
        is_code: whether code is run, or only data read.
        is_within: whether it can only lie in the module's own package.
    """

    words: str
    is_code: bool
    is_within: bool


def unfollowed(tree: ast.AST, module: str, is_package: bool) -> Unfollowed | None:
    """Say what a module does that no reader of its text can follow; None where it does nothing such.

    Args:
        tree: the module's syntax tree.
        module: its dotted name.
        is_package: whether it is the `__init__` of a package.
    """
    package = module if is_package else module.rpartition(".")[0]
    reasons = [*_runs(tree, package), *_reads(tree)]
    # what reaches furthest decides
    return min(reasons, key=lambda reason: (not reason.is_code, reason.is_within), default=None)


def _runs(tree: ast.AST, package: str) -> Iterator[Unfollowed]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {id(call.func) for call in calls if named_by_call(call, package)}
    bases = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for call in calls:
        if name_of(call.func) in IMPORTING and id(call.func) not in plain:
            plain.add(id(call.func))
            is_within = bool(call.args) and _begins_in(call.args[0], package)
            yield _code(call, f"{name_of(call.func)} with a name that is computed", is_within)
    for node in ast.walk(tree):
        name = name_of(node)
        if name in IMPORTING and id(node) not in plain:
            yield _code(node, f"{name} under another name")
        elif name in RUNNING or (isinstance(node, ast.Name) and name in BUILT_IN):
            yield _code(node, f"{name} runs code that no import names")
        elif isinstance(node, ast.Attribute) and name in OF_MODULES.get(name_of(node.value), ()):
            yield _code(node, f"{name_of(node.value)}.{name} leads to code that no import names")
        elif isinstance(node, ast.Name) and name in LOADERS and id(node) not in bases:
            yield _code(node, f"{name} may run code that no import names")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from _renames(node)
        elif is_of_star(node) and not texts_in(node) and not _is_empty(node):
            yield _code(node, "__all__ is computed", is_within=True)


def _renames(node: ast.Import | ast.ImportFrom) -> Iterator[Unfollowed]:
    """What an import brings that runs code, by whatever name."""
    base = (node.module or "").rpartition(".")[2] if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        last = alias.name.rpartition(".")[2]
        is_renamed = last in IMPORTING and alias.asname
        if is_renamed or {last, base} & RUNNING or last in OF_MODULES.get(base, ()):
            yield _code(node, f"{alias.name} runs code that no import names")


def _reads(tree: ast.AST) -> Iterator[Unfollowed]:
    assigned = _assigned(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called, function = name_of(node.func), node.func
        of = name_of(function.value) if isinstance(function, ast.Attribute) else ""
        if called not in READING and not (called == "load" and of in LOADING):
            continue
        is_of_path = isinstance(function, ast.Attribute) and called in OF_PATHS and of not in ("os", "io", "gzip")
        path = function.value if is_of_path and isinstance(function, ast.Attribute) else next(iter(node.args), None)
        if path is not None and not _has_text(path, assigned, set()):
            yield Unfollowed(f"line {node.lineno}: {called} of a file whose name is computed", False, is_within=True)


def _assigned(tree: ast.AST) -> dict[str, list[ast.AST]]:
    """The expressions that names and attributes of a module get, by name."""
    values: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs: list[tuple[ast.AST, ast.AST | None]] = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, ast.withitem):
            pairs = [(node.optional_vars, node.context_expr)] if node.optional_vars else []
        else:
            continue
        for target, value in pairs:
            for part in ast.walk(target):
                if value is not None and (name := name_of(part)):
                    values.setdefault(name, []).append(value)
    return values


def _has_text(expression: ast.AST, assigned: dict[str, list[ast.AST]], been: set[str]) -> bool:
    """Say whether a text is a part of an expression, or of what is assigned to a name in it."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return True
        name = name_of(node)
        if name and name not in been:
            been.add(name)
            if any(_has_text(value, assigned, been) for value in assigned.get(name, ())):
                return True
    return False


def _begins_in(name: ast.AST, package: str) -> bool:
    """Say whether a computed name begins with that of a package, or with the dot of a relative one."""
    while isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add | ast.Mod):
        name = name.left
    if isinstance(name, ast.JoinedStr) and name.values:
        name = name.values[0]
    if isinstance(name, ast.Call) and name_of(name.func) == "format" and isinstance(name.func, ast.Attribute):
        name = name.func.value
    if isinstance(name, ast.FormattedValue):
        name = name.value
    if isinstance(name, ast.Name):
        return name.id in ("__package__", "__name__")
    text = name.value if isinstance(name, ast.Constant) else None
    root = package.partition(".")[0]
    return isinstance(text, str) and bool(root) and text.startswith((".", f"{root}."))


def _is_empty(node: ast.AST) -> bool:
    value = getattr(node, "value", None)
    return isinstance(value, ast.List | ast.Tuple) and not value.elts


def _code(node: ast.AST, words: str, is_within: bool = False) -> Unfollowed:
    return Unfollowed(f"line {getattr(node, 'lineno', '?')}: {words}", is_code=True, is_within=is_within)
