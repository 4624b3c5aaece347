"""Which files the text of a user's module names: weights, tables of widths, kernels that it compiles.

A name may be a path from the module, from the current folder or from anywhere in the module's package, may come in
parts, or be a pattern of which only a part is known before the module runs: `f"{size}.json"` may be any such file.
"""

import ast
import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path, PurePath

from isojoule.study.module_files import files_in, name_of, package_folder, texts_in

# methods and functions that return the files of a folder
LISTING = {"glob", "iglob", "rglob", "iterdir", "listdir", "scandir"}
# what is written into a text later: %s, %03d, {}, {name}
BLANK = re.compile(r"%[-#0 +]?\d*[sdi]|\{[^{}]*\}")
# files of the system say nothing of the model, and may change at any time
OF_SYSTEM = [Path(name) for name in ("/proc", "/sys", "/dev", "/run", "/etc", "/var/run")]
FOLDERS_DEEP = 4
# more files that are like a pattern are a data set
MOST_MATCHES = 1000


def named_files(tree: ast.AST, path: Path, module: str) -> list[Path]:
    """Return the files that the texts in a module name.

    Args:
        tree: the module's syntax tree.
        path: its file.
        module: its dotted name.
    """
    texts = texts_in(tree)
    patterns = {pattern for text in texts | _formatted(tree) if (pattern := _pattern(text))}
    folders = _folders(texts, [path.parent, Path.cwd()])
    files = [file for folder in folders for text in texts if (file := _file(folder, text))]
    files += [file for folder in folders for pattern in patterns for file in _matching(folder, pattern)]
    if (package := package_folder(path, module)) is not None:
        files += [file for file in files_in(package) if _ends_in(file, texts, patterns)]
    own = path.resolve()
    return sorted({file.resolve() for file in files} - {own})


def listed_folders(tree: ast.AST, path: Path) -> list[Path]:
    """Return the folders that texts in a module name, where it lists folders: all files of these may matter."""
    if not any(name_of(node) in LISTING for node in ast.walk(tree)):
        return []
    roots = [path.parent, Path.cwd()]
    return sorted({folder.resolve() for folder in _folders(texts_in(tree), roots)[len(roots) :]})


def files_named_by(texts: Iterable[str]) -> list[Path]:
    """Return the files that texts of a configuration name, from the current folder."""
    return sorted({file.resolve() for text in texts if (file := _file(Path.cwd(), text))})


def _formatted(tree: ast.AST) -> set[str]:
    """The texts in which something is written later, with a star for it."""
    return {
        "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
    }


def _pattern(text: str) -> str | None:
    """A pattern of names that end as files do; None where a text is none."""
    if re.fullmatch(r"(\.\w+)+", text):
        return f"*{text}"
    pattern = BLANK.sub("*", text)
    is_pattern = "*" in pattern and re.search(r"\.\w*[A-Za-z]\w*$", pattern) and not pattern.startswith(("/", "~"))
    return pattern if is_pattern else None


def _folders(texts: Collection[str], roots: list[Path]) -> list[Path]:
    """The roots, and the folders below them whose paths can be put together from texts."""
    names = [text for text in texts if text.strip("./") and not text.startswith("..")]
    folders, last = list(roots), list(roots)
    for _ in range(FOLDERS_DEEP):
        last = [folder for root in last for name in names if (folder := _folder(root, name)) and folder not in folders]
        folders += dict.fromkeys(last)
    return folders


def _folder(root: Path, name: str) -> Path | None:
    try:
        return root / name if (root / name).is_dir() and not _is_of_system(root / name) else None
    except (OSError, ValueError):
        return None


def _file(folder: Path, name: str) -> Path | None:
    try:
        return folder / name if (folder / name).is_file() and not _is_of_system(folder / name) else None
    except (OSError, ValueError):
        return None


def _matching(folder: Path, pattern: str) -> list[Path]:
    try:
        files = list(islice(folder.glob(pattern.replace("**", "*")), MOST_MATCHES + 1))
        return [file for file in files if file.is_file()] if len(files) <= MOST_MATCHES else []
    except (OSError, ValueError, NotImplementedError):
        return []


def _ends_in(file: Path, texts: Collection[str], patterns: Collection[str]) -> bool:
    """Say whether the end of a path is one of the texts, or like one of the patterns."""
    if file.name in texts or any(fnmatch(file.name, PurePath(pattern).name) for pattern in patterns):
        return True
    ends = ("/".join(file.parts[-length:]) for length in range(2, min(len(file.parts), 8)))
    return any(end in texts or f"./{end}" in texts for end in ends)


def _is_of_system(path: Path) -> bool:
    return any(path.resolve().is_relative_to(folder) for folder in OF_SYSTEM)
