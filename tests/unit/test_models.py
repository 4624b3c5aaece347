import csv
from pathlib import Path

import pytest
import torch

from isojoule.errors import InputError
from isojoule.study import cells
from isojoule.workloads import building
from isojoule.workloads.interface import Architecture
from isojoule.workloads.tagging.models.cnn import CNN
from isojoule.workloads.tagging.models.crnn import CRNN
from isojoule.workloads.tagging.models.mlp import MLP
from isojoule.workloads.tagging.models.rnn import RNN

SHAPE = {"n_mels": 16, "n_frames": 8, "n_classes": 3}
MODELS = "isojoule.workloads.tagging.models"


def published_rows():
    with (Path(__file__).parent / "compute43.csv").open() as file:
        return list(csv.DictReader(file))


def name_of(row):
    separator = "-" if row["family"] == "crnn" else "x"
    layers, hidden = (row[key].replace("-", "+") for key in ("layers", "hidden"))
    return f"{row['family']}-{layers}{separator}{hidden}"


@pytest.mark.parametrize("row", published_rows(), ids=name_of)
def test_published_architectures_have_the_published_parameters(published, row):
    with torch.device("meta"):
        model = building.build(cells.architectures(published)[name_of(row)])
    assert sum(parameter.numel() for parameter in model.parameters()) == int(row["params"])


@pytest.mark.parametrize(
    "model",
    [
        MLP(**SHAPE, layers=2, hidden=5),
        CNN(**SHAPE, layers=3, hidden=5),
        RNN(**SHAPE, layers=2, hidden=5),
        RNN(**SHAPE, layers=2, hidden=5, layout="frames"),
        CRNN(**SHAPE, conv_layers=2, gru_layers=2, channels=4, hidden=5),
    ],
    ids=lambda model: f"{type(model).__name__}-{getattr(model, 'layout', '')}",
)
def test_outputs_are_logits_of_every_class(model):
    torch.nn.init.constant_(model.output.bias, -50)
    outputs = model(torch.randn(4, 1, 16, 8))
    assert outputs.shape == (4, 3)
    assert (outputs < -1).all()


def test_layouts_of_the_rnn_give_the_gru_one_step_or_one_per_frame():
    for layout, steps in (("flattened", (2, 1, 128)), ("frames", (2, 8, 16))):
        model = RNN(**SHAPE, layers=1, hidden=5, layout=layout)
        seen = []
        model.gru.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        patch = torch.randn(2, 1, 16, 8)
        model(patch)
        assert seen[0].shape == steps
        assert torch.equal(seen[0][:, 0], patch[:, 0, :, 0] if layout == "frames" else patch.flatten(1))


def test_gru_of_the_crnn_sees_every_position_of_band_and_frame_with_channels_as_values():
    model = CRNN(**SHAPE, conv_layers=1, gru_layers=1, channels=4, hidden=5)
    seen = []
    model.gru.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    patch = torch.randn(2, 1, 16, 8)
    model(patch)
    assert seen[0].shape == (2, 8 * 4, 4)
    assert torch.equal(seen[0][:, 1], model.convolutions(patch)[:, :, 0, 1])


@pytest.mark.parametrize(
    ("layers", "message"), [(4, "4 convolutional layers: found an input of 16 x 8 .* at least 16 x 16"), (3, None)]
)
def test_an_input_too_small_for_the_poolings_is_refused(layers, message):
    for build in (
        lambda: CNN(**SHAPE, layers=layers, hidden=2),
        lambda: CRNN(**SHAPE, conv_layers=layers, gru_layers=1, channels=2, hidden=2),
    ):
        if message is None:
            build()
        else:
            with pytest.raises(InputError, match=message):
                build()


def test_an_unknown_layout_is_refused():
    with pytest.raises(InputError, match="layout: found patches, expected flattened or frames"):
        RNN(**SHAPE, layers=1, hidden=2, layout="patches")


def test_a_model_of_the_user_is_found_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "net_found_here.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, width):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(width, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    model = building.build(Architecture("mine", "custom", "net_found_here:Net", {"width": 7}))
    assert model.layer.in_features == 7


@pytest.mark.parametrize("name", ["plan", "score", "tables", "main"])
def test_a_users_module_may_have_the_name_of_one_of_ours(tmp_path, monkeypatch, name):
    (tmp_path / f"{name}.py").write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    model = building.build(Architecture("mine", "custom", f"{name}:Net", {"in_features": 3, "out_features": 2}))
    assert (type(model).__module__, model.in_features) == (name, 3)
    monkeypatch.delitem(__import__("sys").modules, name)


@pytest.mark.parametrize("name", ["statistics", "yaml", "math"])
def test_a_users_module_that_a_library_hides_is_refused(tmp_path, monkeypatch, name):
    """Code of the library would be measured, if it had such a class."""
    (tmp_path / f"{name}.py").write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"mine: found two modules {name}, .* and {tmp_path}/{name}\.py, "):
        building.build(Architecture("mine", "custom", f"{name}:Net", {}))


BROKEN = """
from torch import nn
class NoNet: ...
def function(): ...
class Refuses(nn.Module):
    def __init__(self, width): raise ValueError("width has to be odd\\nreally")
class Silent(nn.Module):
    def __init__(self): assert False
class Tagger(nn.Module):
    def __init__(self, width): super().__init__()
"""


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (
            "no_such_module:Net",
            {},
            "mine: module no_such_module cannot be imported: No module named 'no_such_module'; ex",
        ),
        ("net_with_typo:Net", {}, "mine: module net_with_typo cannot be imported: .*syntax"),
        ("net_broken:Tager", {}, "mine: found no Tager in module net_broken"),
        ("net_broken:NoNet", {}, "mine: net_broken:NoNet is <class .*>, expected a torch.nn.Module class"),
        ("net_broken:function", {}, "mine: net_broken:function is <function .*>, expected a torch.nn.Module class"),
        ("net_broken:Tagger", {"widht": 3}, "mine: net_broken:Tagger cannot be built: .*unexpected keyword.*'widht'"),
        ("net_broken:Tagger", {}, "mine: net_broken:Tagger cannot be built: .*missing 1 required.*'width'"),
        ("net_broken:Refuses", {"width": 2}, "mine: net_broken:Refuses cannot be built: width has to be odd$"),
        ("net_broken:Silent", {}, "mine: net_broken:Silent cannot be built: AssertionError$"),
        (
            f"{MODELS}.cnn:CNN",
            {**SHAPE, "layers": 9, "hidden": 2},
            "mine: .*CNN cannot be built: 9 convolutional layers: found",
        ),
    ],
)
def test_a_model_that_cannot_be_built_is_refused_in_one_sentence(tmp_path, monkeypatch, model, arguments, message):
    (tmp_path / "net_broken.py").write_text(BROKEN)
    (tmp_path / "net_with_typo.py").write_text("class Net(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        building.build(Architecture("mine", "custom", model, arguments))
    assert "\n" not in str(caught.value)


class Pair(torch.nn.Module):
    def forward(self, inputs):
        return inputs, inputs


class Scalar(torch.nn.Module):
    def forward(self, inputs):
        return inputs.sum()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (torch.nn.Flatten(), "mine: given 2 x 1 x 16 x 8, found an output of 2 x 128, expected 2 x 3"),
        (Scalar(), "found an output of a single number, expected 2 x 3"),
        (Pair(), "found an output of type tuple, expected 2 x 3"),
        (torch.nn.Linear(5, 3), "mine: given 2 x 1 x 16 x 8, my:Net failed: mat1 and mat2"),
    ],
)
def test_an_output_of_another_shape_is_refused(model, message):
    architecture = Architecture("mine", "custom", "my:Net", {})
    with pytest.raises(InputError, match=message):
        building.checked_output(architecture, model, (torch.zeros(2, 1, 16, 8),), torch.zeros(2, 3))


def test_an_output_of_the_right_shape_is_returned():
    architecture = Architecture("mine", "custom", "my:Net", {})
    model = MLP(**SHAPE, layers=1, hidden=2)
    inputs = torch.randn(2, 1, 16, 8)
    assert torch.equal(building.checked_output(architecture, model, (inputs,), torch.zeros(2, 3)), model(inputs))
