"""Simulated worlds: what the model says, by hand and in its limits; every row says that nobody measured it."""

import numpy as np
import pandas as pd
import pytest

from isojoule.errors import InputError
from isojoule.simulation import worlds
from isojoule.simulation.worlds import BATCH_SIZE, EPOCHS, STEPS, Gpu

PLAIN = Gpu("plain", 1e12, 1e11, 0.0, 0.0, 50.0, 1e9, 1e-11, 1e-11, dict.fromkeys(worlds.FAMILIES, 1.0))


def system(**columns):
    values = {
        "architecture": "net", "family": "mlp", "kernels": 1, "params": 10, "flops": 10, "forward_flops": 0,
        "backward_flops": 0, "weights_bytes": 0, "activations_bytes": 0, "optimizer_state_bytes": 0,
    }  # fmt: skip
    return pd.DataFrame([values | columns])


def test_arithmetic_alone_by_hand():
    """1e9 FLOPs an example at 1e12 FLOP/s: 8 ms a batch, at 50 W and 1e-11 J each."""
    energy_kwh, duration_s = worlds.energy_and_duration(PLAIN, system(forward_flops=1e9), "test")
    assert duration_s[0] == pytest.approx(STEPS * BATCH_SIZE * 1e-3)
    assert energy_kwh[0] * 3.6e6 == pytest.approx(STEPS * BATCH_SIZE * (1e-3 * 50 + 1e9 * 1e-11))


def test_the_roofline_is_the_slower_of_arithmetic_and_memory():
    """1e8 bytes at 1e11 B/s take 1 ms: less than 8 ms of arithmetic, more than none."""
    both = worlds.energy_and_duration(PLAIN, system(forward_flops=1e9, weights_bytes=1e8), "test")
    memory = worlds.energy_and_duration(PLAIN, system(weights_bytes=1e8), "test")
    assert both[1][0] == pytest.approx(STEPS * 8e-3)
    assert memory[1][0] == pytest.approx(STEPS * 1e-3)


def test_training_counts_the_backward_pass_and_all_epochs():
    test = worlds.energy_and_duration(PLAIN, system(forward_flops=1e9, backward_flops=2e9), "test")
    train = worlds.energy_and_duration(PLAIN, system(forward_flops=1e9, backward_flops=2e9), "train")
    assert train[1][0] == pytest.approx(3 * EPOCHS["train"] * test[1][0])


def test_launches_and_the_power_limit_slow_down():
    slow = Gpu(**{**vars(PLAIN), "launch_s": 1e-3})
    assert worlds.energy_and_duration(slow, system(kernels=7), "test")[1][0] == pytest.approx(STEPS * 7e-3)
    limited = Gpu(**{**vars(PLAIN), "power_limit_w": 51.0})
    energy_kwh, duration_s = worlds.energy_and_duration(limited, system(forward_flops=1e9), "test")
    assert energy_kwh[0] * 3.6e6 / duration_s[0] == pytest.approx(51)


def test_the_published_systems_are_the_43():
    systems = worlds.published_systems()
    assert systems["family"].value_counts().to_dict() == {"cnn": 12, "rnn": 11, "mlp": 10, "crnn": 10}
    mlp = systems.set_index("architecture").loc["mlp-1x512"]
    assert mlp.params == 8192 * 512 + 512 + 512 * 10 + 10
    assert mlp.forward_flops == 2 * (8192 * 512 + 512 * 10)
    assert mlp.weights_bytes == 4 * mlp.params


def test_a_world_is_simulated_in_every_row_and_follows_its_seed():
    world = worlds.world(1, gpus=3, repeats=2)
    assert len(world) == 43 * 3 * 2 * 2
    assert set(world["energy_kind"]) == {"simulated"}
    assert set(world["energy_source"]) == {"isojoule.simulation, seed 1"}
    pd.testing.assert_frame_equal(world, worlds.world(1, gpus=3, repeats=2))
    assert (world["energy_kwh"] != worlds.world(2, gpus=3, repeats=2)["energy_kwh"]).all()
    off = np.log(world["energy_kwh"].astype(float) / world["true_energy_kwh"])
    assert off.std() == pytest.approx(0.02, rel=0.15)
    quiet = worlds.world(1, gpus=1, run_noise=0, system_noise=0)
    np.testing.assert_allclose(quiet["energy_kwh"].astype(float), quiet["true_energy_kwh"])


@pytest.mark.parametrize("wrong", [{"gpus": 0}, {"repeats": 0}, {"run_noise": -1}, {"slowed_share": 2}])
def test_an_impossible_world_is_refused(wrong):
    with pytest.raises(InputError, match=r"simulation: found .* expected at least 1 GPU and 1 repeat"):
        worlds.world(0, **wrong)
