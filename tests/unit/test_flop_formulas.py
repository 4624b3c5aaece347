"""Counts of compute against hand formulas, where torch's own counter is wrong or blind."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import flop_registry

from isojoule.compute import counting
from isojoule.compute.flop_formulas import FORMULAS, NO_MATRIX_WORK, _may_do_matrix_work
from isojoule.errors import InputError
from isojoule.workloads.interface import Architecture

EXAMPLE = SimpleNamespace(
    example=lambda settings, batch_size, device: (
        (torch.rand(batch_size, 1, 128, 64, device=device),),
        torch.rand(batch_size, 10, device=device),
    ),
    loss=functional.mse_loss,
)
SETTINGS = {"batch_size": 3, "optimizer": "adam"}


class Net(nn.Module):
    """A net whose forward pass decides by a value, so that it cannot be counted without data."""

    decides = True

    def forward(self, inputs):
        outputs = self.outputs(inputs[:, 0].transpose(1, 2))
        if self.decides and float(outputs.abs().max()) > 1e9:
            outputs = outputs * 0
        return outputs


class Lstm(Net):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.LSTM(128, 16, batch_first=True), nn.Linear(16, 10)

    def outputs(self, frames):
        return self.out(self.rnn(frames)[0][:, -1])


class Gru(Lstm):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(128, 16, batch_first=True)


class Attention(Net):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(128, 16, bias=False) for _ in range(3))
        self.out = nn.Linear(16, 10)

    def outputs(self, frames):
        q, k, v = (part(frames).unflatten(-1, (2, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2).mean(1))


class Bilinear(Net):
    def __init__(self):
        super().__init__()
        self.two = nn.Bilinear(128, 128, 10)

    def outputs(self, frames):
        return self.two(frames[:, 0], frames[:, 1])


class MatrixVector(Net):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(10, 128))

    def outputs(self, frames):
        return torch.stack([torch.mv(self.weight, frame) for frame in frames[:, 0]])


class AddedProducts(Net):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)

    def outputs(self, frames):
        added = torch.addbmm(torch.zeros(64, 64, device=frames.device), frames, frames.transpose(1, 2))
        return self.out(added[:1].expand(len(frames), 64))


class AddedInPlace(AddedProducts):
    def outputs(self, frames):
        batch = torch.zeros(len(frames), 64, 64, device=frames.device)
        batch.baddbmm_(frames, frames.transpose(1, 2))
        return self.out(torch.zeros(len(frames), 64, device=frames.device).addmm_(batch[:, 0], frames[0, :, :64]))


class FrozenEncoder(Net):
    """A layer in its state for evaluation has a fast path on the CPU, which hid its products."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(128, 2, 32, batch_first=True)
        self.out = nn.Linear(128, 10)

    def outputs(self, frames):
        with torch.no_grad():
            features = self.layer.eval()(frames).mean(1)
        return self.out(features)


class GradientInside(Net):
    """The gradient of an energy is its output, as in nets of forces."""

    def __init__(self):
        super().__init__()
        self.energy = nn.Linear(128, 16, bias=False)

    def outputs(self, frames):
        frames = frames[:, 0].detach().requires_grad_()
        energy = self.energy(frames).square().sum()
        return torch.autograd.grad(energy, frames, create_graph=True)[0][:, :10]


class Recomputed(Net):
    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(128, 16), nn.Linear(16, 10)

    def outputs(self, frames):
        return self.out(checkpoint(lambda values: self.first(values).tanh(), frames.mean(1), use_reentrant=False))


HAND = {
    # 64 steps of four gates, then a layer
    Lstm: 64 * 2 * 4 * (128 * 16 + 16 * 16) + 2 * 16 * 10,
    Gru: 64 * 2 * 3 * (128 * 16 + 16 * 16) + 2 * 16 * 10,
    # three projections, two heads of 8 over 64 frames, twice, then a layer
    Attention: 3 * 2 * 64 * 128 * 16 + 2 * 2 * 2 * 64 * 64 * 8 + 2 * 16 * 10,
    # the first input times the weights, and that times the second
    Bilinear: 2 * 10 * 128 * 128 + 2 * 10 * 128,
    MatrixVector: 2 * 10 * 128,
    # three projections and one after two heads of 64, the heads twice, two layers of 32, then a layer
    FrozenEncoder: 4 * 2 * 64 * 128**2 + 2 * 2 * 64 * 64 * 128 + 2 * 2 * 64 * 128 * 32 + 2 * 128 * 10,
    # forward, and the gradient of the input
    GradientInside: 2 * 2 * 128 * 16,
    Recomputed: 2 * 128 * 16 + 2 * 16 * 10,
}


def counted(net):
    return counting.training_step(Architecture("net", "net", f"{__name__}:{net.__name__}", {}), EXAMPLE, SETTINGS)


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """Let the classes of this file be found as a user's are."""
    monkeypatch.setattr(
        counting.building, "model_class", lambda architecture: globals()[architecture.model.split(":")[1]]
    )


@pytest.mark.parametrize("decides", [True, False], ids=["on the CPU", "without data"])
@pytest.mark.parametrize("net", HAND)
def test_forward_flops_are_those_of_the_hand_formula(net, decides, monkeypatch):
    monkeypatch.setattr(Net, "decides", decides)
    assert counted(net).forward_flops == HAND[net]


class Convolutions(nn.Module):
    """A first layer, one to be counted, and a last."""

    def __init__(self, layer, channels):
        super().__init__()
        self.first, self.layer = nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False), layer
        self.out = nn.Linear(channels, 10, bias=False)

    def forward(self, inputs):
        return self.out(self.layer(self.first(inputs)).mean((2, 3)))


@pytest.mark.parametrize(
    ("layer", "channels", "flops"),
    [
        (lambda: nn.Conv2d(16, 32, 3, padding=1, bias=False), 32, 2 * 64 * 32 * 32 * 16 * 9),
        (lambda: nn.Conv2d(16, 32, 3, padding=1, groups=4, bias=False), 32, 2 * 64 * 32 * 32 * 4 * 9),
        (lambda: nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), 16, 2 * 64 * 32 * 16 * 9),
        (lambda: nn.ConvTranspose2d(16, 32, 2, stride=2, bias=False), 32, 2 * 64 * 32 * 16 * 32 * 4),
        (lambda: nn.ConvTranspose2d(16, 32, 2, stride=2, groups=4, bias=False), 32, 2 * 64 * 32 * 16 * 8 * 4),
    ],
    ids=["plain", "grouped", "depthwise", "transposed", "transposed and grouped"],
)
def test_gradients_of_a_convolution_take_twice_what_it_takes_forward(layer, channels, flops, monkeypatch):
    monkeypatch.setattr(counting.building, "build", lambda architecture: Convolutions(layer(), channels))
    monkeypatch.setattr(counting.building, "model_class", lambda architecture: Convolutions)
    first, out = 2 * 64 * 32 * 16 * 9, 2 * channels * 10
    step = counting.training_step(Architecture("net", "net", "nets:Made", {}), EXAMPLE, SETTINGS)
    assert step.forward_flops == first + flops + out
    # the input of the first layer needs no gradient
    assert step.backward_flops == first + 2 * flops + 2 * out


class OneDimension(Net):
    decides = False

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(128, 128, 5, groups=128, bias=False), nn.Linear(128, 10, bias=False)

    def outputs(self, frames):
        return self.out(self.conv(frames.transpose(1, 2)).mean(2))


def test_a_depthwise_convolution_in_one_dimension():
    step = counted(OneDimension)
    assert step.forward_flops == 2 * 60 * 128 * 5 + 2 * 128 * 10
    # the input needs no gradient
    assert step.backward_flops == 2 * 60 * 128 * 5 + 2 * 2 * 128 * 10


class Unknown(Net):
    decides = False

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)

    def outputs(self, frames):
        square = frames @ frames.transpose(1, 2) + 1e3 * torch.eye(64, device=frames.device)
        return self.out(torch.linalg.inv(square)[:, 0])


def test_an_operation_that_nobody_can_count_is_named():
    with pytest.raises(InputError, match=r"found the operation .*aten\.linalg_inv_ex, whose FLOPs cannot be counted"):
        counted(Unknown)


@pytest.mark.parametrize("decides", [True, False], ids=["on the CPU", "without data"])
def test_the_gradient_of_a_bilinear_weight_takes_what_it_takes_forward(decides, monkeypatch):
    monkeypatch.setattr(Net, "decides", decides)
    # the gradient of the output times the first input, and that times the second
    assert counted(Bilinear).backward_flops == 2 * 10 * 128 + 2 * 10 * 128 * 128


UNCOUNTED = {
    "_euclidean_dist": lambda frames: torch.cdist(frames, frames)[:, 0],
    "geqrf": lambda frames: torch.geqrf(frames)[0][:, 0, :64],
    "_sparse_addmm": lambda frames: torch.stack(
        [torch.sparse.mm(torch.eye(64, device=frames.device).to_sparse(), frame)[0, :64] for frame in frames]
    ),
    "_sparse_addmm of what has a gradient": lambda frames: torch.stack(
        [torch.sparse.mm(frame.detach().to_sparse(), frame.T.requires_grad_())[0] for frame in frames]
    ),
    "bmm of complex numbers": lambda frames: (frames.cfloat() @ frames.cfloat().transpose(1, 2)).abs()[:, 0],
    "Tensor.numpy": lambda frames: (
        frames[:, 0, :64] + torch.from_numpy(frames.detach().cpu().numpy() @ np.ones((128, 64), "f"))[:, 0].to(frames)
    ),
}


class Uncounted(Net):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)

    def outputs(self, frames):
        return self.out(self.operation(frames))


@pytest.mark.parametrize("decides", [True, False], ids=["on the CPU", "without data"])
@pytest.mark.parametrize("operation", UNCOUNTED)
def test_matrix_work_that_torch_does_not_count_is_refused(operation, decides, monkeypatch):
    monkeypatch.setattr(Net, "decides", decides)
    monkeypatch.setattr(Uncounted, "operation", staticmethod(UNCOUNTED[operation]), raising=False)
    with pytest.raises(InputError, match=f"found the operation .*{operation.partition(' of what')[0]}"):
        counted(Uncounted)


# words in the names of operations that do matrix work, and the names that have them by chance
WORDS = re.compile(
    r"mm(?!a|e|on)|matmul|conv(?!ert)|(?:_c|_p|n_)dist|linear|lstm|gru|rnn|attention|(?<!set_)linalg|encoder_layer"
)
BY_CHANCE = re.compile(
    r"cummin|upsample|gammainc|hamming|_dist_|pack_|prepack|reorder|flatten_weight|fbgemm_pack|_nested"
)


def test_every_operation_of_this_torch_that_does_matrix_work_is_counted_or_refused():
    names = {
        schema.name.removeprefix("aten::")
        for schema in torch._C._jit_get_all_schemas()
        if schema.name.startswith("aten::") and WORDS.search(schema.name) and not BY_CHANCE.search(schema.name)
    }
    packets = {name: getattr(torch.ops.aten, name) for name in names if hasattr(torch.ops.aten, name)}
    assert {"mm", "_euclidean_dist", "_grouped_mm"} <= set(packets)
    unseen = {
        name
        for name, packet in packets.items()
        if name not in NO_MATRIX_WORK
        and not (packet in flop_registry or packet in FORMULAS or _may_do_matrix_work(f"aten.{name}"))
        and not all(_is_taken_apart(getattr(packet, overload)) for overload in packet.overloads())
    }
    assert not unseen


def _is_taken_apart(operation):
    """Say whether torch makes an operation of others before anything counts."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd")


WITHOUT_PRODUCTS = {
    "normalize": functional.normalize,
    "norm": lambda vectors: vectors / vectors.norm(dim=1, keepdim=True),
    "cosine similarity": lambda vectors: vectors * functional.cosine_similarity(vectors, vectors)[:, None],
    "cross product": lambda vectors: vectors + torch.linalg.cross(vectors[:, :3], vectors[:, 3:6]).sum(),
}


@pytest.mark.parametrize("decides", [True, False], ids=["on the CPU", "without data"])
@pytest.mark.parametrize("operation", WITHOUT_PRODUCTS)
def test_what_multiplies_no_matrices_is_not_refused(operation, decides, monkeypatch):
    monkeypatch.setattr(Net, "decides", decides)
    operate = WITHOUT_PRODUCTS[operation]
    monkeypatch.setattr(Uncounted, "operation", staticmethod(lambda frames: operate(frames[:, 0, :64])), raising=False)
    assert counted(Uncounted).forward_flops == 2 * 64 * 10


class WithoutProducts(nn.Module):
    def __init__(self):
        super().__init__()
        self.scales = nn.Parameter(torch.ones(10))

    def forward(self, inputs):
        return inputs.mean((1, 3))[:, :10] * self.scales


def test_a_model_without_products_has_no_flops(demo):
    """The published count was divided by none, which ended in a traceback."""
    record = counting.count(demo, Architecture("scales", "scales", "here:WithoutProducts", {}))
    assert (record.forward_flops, record.backward_flops, record.parameters) == (0, 0, 10)
