"""The meter against files that look like the kernel's RAPL."""

import time

import pytest

from isojoule.energy import Meter, rapl
from isojoule.errors import InputError


def powercap(folder, packages_uj, range_uj=262_143_328_850, dram_uj=None):
    """Files as the kernel shows them, in the order of packages."""
    zones = {f"intel-rapl:{n}": (f"package-{n}", value) for n, value in enumerate(packages_uj)}
    zones["intel-rapl:0:0"] = ("core", 1)
    zones["intel-rapl:9"] = ("psys", 1)
    if dram_uj is not None:
        zones["intel-rapl:0:1"] = ("dram", dram_uj)
    for zone, (name, value) in zones.items():
        (folder / zone).mkdir(exist_ok=True)
        (folder / zone / "name").write_text(name)
        (folder / zone / "max_energy_range_uj").write_text(str(range_uj))
        (folder / zone / "energy_uj").write_text(str(value))
    return folder


def test_rapl_is_measured_over_all_packages_and_across_its_jump_to_zero(tmp_path, monkeypatch):
    monkeypatch.setattr(rapl, "update_period_s", lambda counter: 0.001)
    powercap(tmp_path, [900_000_000, 5_000_000], range_uj=1_000_000_000, dram_uj=0)
    with Meter(powercap=tmp_path, idle_s=0, min_window_s=0.1) as window:
        powercap(tmp_path, [50_000_000, 7_000_000], range_uj=1_000_000_000, dram_uj=3_600_000)
    energy = window.energy
    assert (energy.component, energy.cpu.kind, energy.cpu.source) == ("cpu", "measured", "RAPL package")
    assert energy.cpu.energy_kwh * 3.6e6 == pytest.approx(150 + 2)
    assert (energy.ram.energy_kwh, energy.ram.source) == (pytest.approx(1e-6), "RAPL dram")
    assert energy.window.instrument_period_s == 0.001
    assert energy.window.disagreement_percent is not None


def test_the_energy_of_each_repetition_is_read_across_the_jump_to_zero(tmp_path, monkeypatch):
    monkeypatch.setattr(rapl, "update_period_s", lambda counter: 0.001)
    powercap(tmp_path, [900_000_000], range_uj=1_000_000_000)
    with Meter(powercap=tmp_path, idle_s=0, min_window_s=0.01) as window:
        for energy_uj in (970_000_000, 20_000_000, 60_000_000):
            assert window.again(3)
            time.sleep(0.05)
            powercap(tmp_path, [energy_uj], range_uj=1_000_000_000)
        assert not window.again(3)
    found = window.energy
    assert [3.6e6 * energy_kwh for energy_kwh in found.window.repetition_energies_kwh] == pytest.approx([70, 50, 40])
    assert found.cpu.energy_kwh * 3.6e6 == pytest.approx(160 / 3)


def test_rapl_that_reads_zero_is_refused(tmp_path):
    with pytest.raises(InputError, match="RAPL: read 0 J"), Meter(powercap=powercap(tmp_path, [1]), idle_s=0):
        pass


def test_rapl_that_can_no_longer_be_read_is_refused(tmp_path):
    meter = Meter(powercap=powercap(tmp_path, [1, 2]), idle_s=0)
    with pytest.raises(InputError, match=r"energy_uj: can no longer be read; nothing was measured"), meter:
        (tmp_path / "intel-rapl:1" / "energy_uj").unlink()


def test_rapl_for_root_alone_leaves_the_model_and_says_so(tmp_path):
    powercap(tmp_path, [1])
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    with Meter(powercap=tmp_path) as window:
        time.sleep(0.05)
    assert window.energy.cpu.kind == "estimated"
    assert "model of CPU load" in window.energy.cpu.source
    assert window.energy.window.idle_power_w is None
    assert window.energy.window.disagreement_percent is None
