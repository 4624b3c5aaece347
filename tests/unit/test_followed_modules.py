"""Whatever a module of the user runs decides what is measured again, whichever way it gets there."""

import ast
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest
from fingerprints import anew

from isojoule.errors import InputError
from isojoule.study import code_fingerprint, named_files, reruns
from isojoule.workloads.interface import Architecture

LAYER = "from torch import nn\nWIDTH = 4\n"
SUFFIX = EXTENSION_SUFFIXES[0]
PACKAGES = {
    "a relative import": ("nets/__init__.py", "from .parts.layers import WIDTH", "nets/parts/layers.py"),
    "a relative import of a module": ("nets/__init__.py", "from .parts import layers", "nets/parts/layers.py"),
    "a relative import from above": ("nets/deep/net.py", "from ..layers import WIDTH", "nets/layers.py"),
    "a module without a package": ("nets/net.py", "from . import layers", "nets/layers.py"),
    "importlib with a name": ("nets/net.py", "import importlib\nimportlib.import_module('other')", "other.py"),
    "importlib with a relative name": (
        "nets/net.py", "import importlib\nimportlib.import_module('.layers', __package__)", "nets/layers.py"
    ),
    "importlib with a computed name": (
        "nets/net.py", "import importlib\nname = 'lay' + 'ers'\nimportlib.import_module('nets.' + name)",
        "nets/layers.py",
    ),
    "exec of a file": ("nets/net.py", "exec(open('nets/' + 'layers.py').read())", "nets/layers.py"),
    "a file that a text names": ("nets/net.py", "WEIGHTS = open('widths.json').read()", "nets/widths.json"),
    "a file below the current folder": ("net.py", "WEIGHTS = open('data/widths.json').read()", "data/widths.json"),
    "a file above in the package": (
        "nets/deep/net.py", "OPEN = (Path(__file__).parent.parent / 'width.txt').read_text()", "nets/width.txt"
    ),
    "a file whose path is in parts": (
        "nets/net.py", "resources.files('nets').joinpath('d', 'w.json')", "nets/d/w.json"
    ),
    "a computed name that leads up": (
        "nets/deep/net.py", "import importlib\nimportlib.import_module('nets.' + 'dyn')", "nets/dyn.py"
    ),
    "an import inside a function": ("net.py", "def build():\n    from layers import WIDTH\n", "layers.py"),
    "importlib with a name and a package": (
        "nets/net.py", "import importlib\nimportlib.import_module('.layers', 'other')", "other/layers.py"
    ),
    "importlib with a name from above": (
        "nets/deep/net.py", "import importlib\nimportlib.import_module('..layers', __package__)", "nets/layers.py"
    ),
    "importlib under another name": (
        "nets/net.py", "from importlib import import_module as load\nload('nets.' + 'layers')", "nets/layers.py"
    ),
    "importlib in a map": (
        "nets/net.py", "import importlib\nMODULES = map(importlib.import_module, ['nets.layers'])", "nets/layers.py"
    ),
    "importlib by getattr": (
        "nets/net.py", "import importlib\ngetattr(importlib, 'import' + '_module')('nets.layers')", "nets/layers.py"
    ),
    "__import__ of a list": ("nets/net.py", "__import__('nets', fromlist=['layers'])", "nets/layers.py"),
    "a star": ("net.py", "from nets import *", "nets/layers.py", "__all__ = ['layers']\n"),
    "a package that imports when it is asked": (
        "net.py", "from nets import WIDTH", "nets/layers.py",
        "import importlib\ndef __getattr__(name): return importlib.import_module('.layers', __name__).WIDTH\n",
    ),
    "a computed name in another package": (
        "nets/net.py", "import importlib\ndef of(name): return importlib.import_module(name)", "other/layers.py"
    ),
    "a folder on the path": ("net.py", "import sys\nsys.path.append('lib')\nimport layers", "lib/layers.py"),
    "a loader": (
        "net.py",
        "from importlib.machinery import SourceFileLoader\nSourceFileLoader('x', 'lib/layers.py').load_module()",
        "lib/layers.py",
    ),
    "a specification under another name": (
        "net.py",
        "import importlib.util as u\ns = u.spec_from_file_location('x', 'lib/' + 'layers.py')\n"
        "m = u.module_from_spec(s)\nl = s.loader\nl.exec_module(m)",
        "lib/layers.py",
    ),
    "a name for pkgutil": ("nets/net.py", "import pkgutil\npkgutil.resolve_name('nets.layers')", "nets/layers.py"),
    "a name for pydoc": ("net.py", "import pydoc\npydoc.locate('layers.WIDTH')", "layers.py"),
    "exec under another name": ("nets/net.py", "run = exec\nrun(open('nets/' + 'layers.py').read())", "nets/layers.py"),
    "a program of its own": ("net.py", "import subprocess\nsubprocess.run(['python', 'make.py'])", "make.py"),
    "a folder of torch.hub": ("net.py", "import torch\ntorch.hub.load('repo', 'm', source='local')", "repo/hubconf.py"),
    "a package beside a module of its name": ("nets.py", "WIDTH = 3", "nets/__init__.py"),
    "a compiled module": ("net.py", "import kernels", f"kernels{SUFFIX}"),
    "a compiled module beside a text of its name": ("net.py", "WIDTH = 3", f"net{SUFFIX}"),
    "a module without its text": ("net.py", "import layers", "layers.pyc"),
    "Cython": ("net.py", "import pyximport\npyximport.install()\nimport layers", "layers.pyx"),
    "a header of a kernel": (
        "net.py", "from torch.utils.cpp_extension import load\nload('k', ['csrc/k.cpp'])", "csrc/k.h"
    ),
    "a kernel of a computed name": ("nets/net.py", "import ctypes\nctypes.CDLL(__file__[:-6] + 'k.so')", "nets/k.so"),
    "a file of which only the end is known": (
        "net.py", "def of(size): return open(f'{size}.json').read()", "small.json"
    ),
    "a file that has the name of the module": (
        "net.py", "from pathlib import Path\nTEXT = Path(__file__).with_suffix('.json').read_text()", "net.json"
    ),
    "a file in a folder, in parts": (
        "net.py", "import os\nTEXT = open(os.path.join(os.path.dirname(__file__), 'd', 'w.json'))", "d/w.json"
    ),
    "a file in a folder of which the end is known": (
        "net.py", "def of(size): return (HERE / 'd' / (size + '.json')).read_text()", "d/small.json"
    ),
    "a number in the name of a file": ("net.py", "W = np.load('w_%d.npy' % 3)", "w_3.npy"),
    "all files of a folder": ("net.py", "TEXTS = [f.read_text() for f in (HERE / 'd').iterdir()]", "d/small"),
    "a file of a computed name": ("nets/net.py", "def of(path): return open(path).read()", "nets/small"),
    "data of a package": ("nets/deep/net.py", "import pkgutil\npkgutil.get_data('nets', 'd/w.json')", "nets/d/w.json"),
}  # fmt: skip


@pytest.mark.parametrize("case", PACKAGES, ids=str)
def test_whatever_a_module_of_the_user_runs_decides(case, tmp_path, monkeypatch):
    """A changed layer measured nothing again, and stale energies stayed in the table."""
    module, text, other, *inits = PACKAGES[case]
    monkeypatch.chdir(tmp_path)
    for name in (module, other):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    for folder in {path.parent for path in (tmp_path / module, tmp_path / other)}:
        if module.startswith("nets/") and case != "a module without a package" and folder != tmp_path:
            (folder / "__init__.py").touch()
    for content in inits:
        (tmp_path / other).with_name("__init__.py").write_text(content)
    (tmp_path / module).write_text(text)
    entry = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    found = []
    for content in (LAYER, LAYER.replace("4", "5")):
        (tmp_path / other).write_text(content)
        found.append(anew(entry))
    assert found[0] != found[1]
    assert anew(entry) == found[1]


UNRELATED = {
    "a module beside it": ("net.py", "WIDTH = 3", "other.py"),
    "a module of its package": ("nets/net.py", "WIDTH = 3", "nets/other.py"),
    "another package": (
        "nets/net.py", "import importlib\ndef of(name): return importlib.import_module(f'.{name}', __package__)",
        "other/net.py",
    ),
    "a page": ("net.py", "import importlib\ndef of(name): return importlib.import_module(name)", "README.md"),
    "words of a job": ("net.py", "import importlib\ndef of(name): return importlib.import_module(name)", "slurm-1.out"),
    "a result": ("net.py", "import json\nSIZES = json.load(open('sizes.json'))\nPLACE = 'results'", "results/r.json"),
    "a library": ("net.py", "import sys\nsys.path.append('lib')", ".venv/lib/python3/site-packages/lib.py"),
    "a module beside one that reads a file": (
        "nets/net.py",
        "HERE = Path(__file__).parent\nSIZES = HERE / 'sizes.json'\nTEXT = SIZES.read_text()\n"
        "HAS = importlib.util.find_spec('flash_attn')\nBLANK = re.compile('a')\nmodel.eval()\ntorch.compile(model)\n"
        "def table():\n    with open(SIZES) as file:\n        return json.load(file)",
        "nets/other.py",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNRELATED, ids=str)
def test_what_a_module_has_nothing_to_do_with_measures_nothing_again(case, tmp_path, monkeypatch):
    module, text, other = UNRELATED[case]
    monkeypatch.chdir(tmp_path)
    found = []
    for content in (LAYER, LAYER.replace("4", "5")):
        for name, new in ((module, text), (other, content)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(new)
        found.append(anew(module.removesuffix(".py").replace("/", ".")))
    assert found[0] == found[1]


def test_files_of_the_system_do_not_decide(fingerprint):
    """They are another at every moment and on every machine, so every cell was measured again, always."""
    text = "MEMORY, TIME = open('/proc/meminfo').read(), open('/proc/self/stat').read()\n"
    assert fingerprint(text) == fingerprint(text)
    assert not named_files.named_files(ast.parse(text), Path("my_net.py"), "my_net")


def test_what_the_arguments_of_a_model_name_decides(fingerprint, tmp_path):
    """A model that is given the names of its parts was not followed into them."""
    fingerprint("def of(name): return open(name).read()\n")
    architecture = Architecture(
        "mine", "custom", "my_net:Net", {"parts": [{"layer": "lib.layers:Layer", "sizes": "d/sizes.json"}], "depth": 2}
    )
    texts = reruns._texts([architecture])
    for name in ("lib/layers.py", "d/sizes.json"):
        (tmp_path / name).parent.mkdir()
        found = []
        for content in (LAYER, LAYER.replace("4", "5")):
            (tmp_path / name).write_text(content)
            found.append(anew("my_net", texts=texts))
        assert found[0] != found[1], name


def test_a_file_of_many_gigabytes_decides_by_its_size_and_ends(fingerprint, tmp_path):
    text = "import torch\nWEIGHTS = torch.load('weights.pt')\n"
    found = [fingerprint(text)]
    for place, byte in ((2**33, b"a"), (0, b"b"), (2**34, b"c")):
        with (tmp_path / "weights.pt").open("r+b" if found[1:] else "wb") as file:
            file.seek(place)
            file.write(byte)
        found.append(fingerprint(text))
    assert len(set(found)) == 4


def test_a_folder_of_many_files_decides_by_names_and_sizes(fingerprint, tmp_path):
    """A module that lists a data set had every clip of it read at every start."""
    (tmp_path / "clips").mkdir()
    for number in range(1001):
        (tmp_path / "clips" / f"{number}.wav").touch()
    text = "CLIPS = sorted((HERE / 'clips').glob('*.wav'))\n"
    found = [fingerprint(text)]
    (tmp_path / "clips" / "7.wav").write_bytes(b"a")
    found.append(fingerprint(text))
    (tmp_path / "clips" / "7.wav").rename(tmp_path / "clips" / "seven.wav")
    found.append(fingerprint(text))
    assert len(set(found)) == 3
    (tmp_path / "clips" / "seven.wav").write_bytes(b"b")
    assert fingerprint(text) == found[2]


def test_a_link_is_followed_and_one_in_a_circle_ends(fingerprint, tmp_path):
    (tmp_path / "real" / "parts").mkdir(parents=True)
    (tmp_path / "nets").symlink_to("real")
    (tmp_path / "real" / "circle").symlink_to("../real")
    (tmp_path / "real" / "nothing").symlink_to("nowhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "real" / "linked").symlink_to("../elsewhere")
    (tmp_path / "real" / "net.py").write_text(
        "import importlib\ndef of(name): return importlib.import_module(f'.{name}', __package__)\n"
    )
    found = []
    for content in (LAYER, LAYER.replace("4", "5")):
        (tmp_path / "elsewhere" / "layers.py").write_text(content)
        found.append(fingerprint("from nets import net\n"))
    assert found[0] != found[1]


def test_a_package_that_is_installed_for_editing_from_a_folder_of_another_name_decides(
    fingerprint, tmp_path, monkeypatch
):
    """pip keeps such a package in a finder of its own, which says where the package lies."""
    folder = tmp_path / "elsewhere" / "source"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return spec_from_file_location(name, folder / "__init__.py") if name == "their_package_xyz" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    found = []
    for content in (LAYER, LAYER.replace("4", "5")):
        (folder / "layers.py").write_text(content)
        found.append(fingerprint("from their_package_xyz.layers import WIDTH\n"))
    assert found[0] != found[1]


def test_a_package_in_two_places_is_found_in_both(fingerprint, tmp_path, monkeypatch):
    for place in ("here", "there"):
        (tmp_path / place / "their_space_xyz").mkdir(parents=True)
        monkeypatch.syspath_prepend(str(tmp_path / place))
    found = []
    for content in (LAYER, LAYER.replace("4", "5")):
        (tmp_path / "here" / "their_space_xyz" / "layers.py").write_text(content)
        found.append(fingerprint("from their_space_xyz import layers\n"))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"W = '\xe9'\n", "net.py: is not Python: line 1: "),
        ("W = 1\n".encode("utf-16"), "net.py: is not Python: "),
        (f"W = {'+'.join(['1'] * 5000)}\n".encode(), "net.py: is nested too deeply to be read"),
    ],
    ids=["Latin-1", "UTF-16", "a long sum"],
)
def test_what_cannot_be_read_is_said(fingerprint, tmp_path, content, sentence):
    (tmp_path / "net.py").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(sentence)):
        anew("net")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_said(fingerprint, tmp_path):
    (tmp_path / "weights.pt").touch(mode=0)
    with pytest.raises(InputError, match=r"weights\.pt: cannot be read: Permission denied"):
        fingerprint("import torch\nWEIGHTS = torch.load('weights.pt')\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "import importlib\n\ndef of(name):\n    return importlib.import_module(name)\n",
            "line 4: import_module with a name that is computed: all files of code beside it decide",
        ),
        (
            "def of(path):\n    return open(path).read()\n",
            "line 2: open of a file whose name is computed: only files that a text in it or the arguments of the model "
            "name decide",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(fingerprint, capsys, text, sentence):
    fingerprint(text)
    assert f"my_net.py: {sentence}" in capsys.readouterr().err


def test_a_model_that_is_put_to_evaluation_runs_no_unknown_code(fingerprint, capsys):
    fingerprint("def of(model):\n    return model.eval()\n")
    assert capsys.readouterr().err == ""


def test_a_module_from_elsewhere_on_the_path_decides_and_a_library_does_not(fingerprint, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    libraries = tmp_path / "of_the_user" / "site-packages"
    for folder in (elsewhere, libraries):
        folder.mkdir(parents=True)
        monkeypatch.syspath_prepend(str(folder))
    (elsewhere / "their_layers_xyz.py").write_text(LAYER)
    (libraries / "their_library_xyz.py").write_text(LAYER)
    text = "import their_layers_xyz\nimport their_library_xyz\nimport numpy\n"
    first = fingerprint(text)
    assert set(code_fingerprint.modules("my_net")) == {"my_net", "their_layers_xyz"}
    (elsewhere / "their_layers_xyz.py").write_text(LAYER.replace("4", "5"))
    assert fingerprint(text) != first
