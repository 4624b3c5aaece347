"""RAPL and the meter against files that look like the kernel's, which a simulated clock moves on."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from isojoule.energy import Meter, rapl
from isojoule.energy.rapl import Rapl
from isojoule.errors import InputError

RANGE_UJ = 262_143_328_850


@dataclass
class Zone:
    """One zone of the powercap framework; none as a text leaves the file out."""

    name: str
    power_w: float = 50.0
    energy_uj: float = 5_000_000.0
    range_uj: int = RANGE_UJ
    range_text: str | None = ""
    energy_text: str | None = ""


@dataclass
class Kernel:
    """The kernel's files and a clock, in the place of `time`; the counters rise as the clock goes on."""

    folder: object
    zones: dict = field(default_factory=dict)
    now_s: float = 0.0

    def show(self, **zones):
        self.zones |= {name.replace("_", ":").replace("mmio", "-mmio"): zone for name, zone in zones.items()}
        self.write()
        return self

    def write(self):
        for path, zone in self.zones.items():
            folder = self.folder / f"intel-rapl{path}"
            folder.mkdir(exist_ok=True)
            energy = str(int(zone.energy_uj)) if zone.energy_text == "" else zone.energy_text
            reach = str(zone.range_uj) if zone.range_text == "" else zone.range_text
            texts = {"name": zone.name, "energy_uj": energy, "max_energy_range_uj": reach}
            for name, text in texts.items():
                if text is None:
                    (folder / name).unlink(missing_ok=True)
                else:
                    (folder / name).write_text(text)

    def sleep(self, duration_s):
        self.now_s += duration_s
        for zone in self.zones.values():
            zone.energy_uj = (zone.energy_uj + 1e6 * zone.power_w * duration_s) % max(zone.range_uj, 1)
        self.write()

    def perf_counter(self):
        return self.now_s


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(rapl, "time", kernel)
    monkeypatch.setattr(rapl, "update_period_s", lambda counter: 0.001)
    return kernel


def metered(kernel, **options):
    return Meter(powercap=kernel.folder, idle_s=0, min_window_s=0.01, **options)


def joules(reading):
    return 3.6e6 * reading.energy_kwh


def test_rapl_is_measured_over_all_packages_and_across_its_jump_to_zero(kernel):
    kernel.show(_0=Zone("package-0", 50, RANGE_UJ - 60e6), _0_0=Zone("dram", 4), _1=Zone("package-1", 30))
    kernel.show(_1_0=Zone("dram", 2))
    with metered(kernel) as window:
        kernel.sleep(10)
    energy = window.energy
    assert (energy.component, energy.cpu.kind, energy.cpu.source) == ("cpu", "measured", "RAPL package")
    assert joules(energy.cpu) == pytest.approx(800, abs=1e-3)
    assert (joules(energy.ram), energy.ram.source) == (pytest.approx(60, abs=1e-3), "RAPL dram")
    assert energy.window.instrument_period_s == 0.001
    assert energy.window.disagreement_percent is not None
    assert energy.why_no_rapl is None


def test_the_energy_of_each_repetition_is_read_across_the_jump_to_zero(kernel):
    kernel.show(_0=Zone("package-0", 50, RANGE_UJ - 150e6))
    with metered(kernel) as window:
        for duration_s in (1, 2, 3):
            assert window.again(3)
            kernel.sleep(duration_s)
            # a repetition of less than ten of the counter's periods would have no energy of its own
            time.sleep(0.05)
        assert not window.again(3)
    energies_kwh = window.energy.window.repetition_energies_kwh
    assert [3.6e6 * energy_kwh for energy_kwh in energies_kwh] == pytest.approx([50, 100, 150], abs=1e-3)
    assert joules(window.energy.cpu) == pytest.approx(100, abs=1e-3)


def test_only_the_packages_are_the_cpu(kernel):
    """Parts of a package, the whole platform, and the same package through another interface are not added."""
    kernel.show(_0=Zone("package-0", 50), _0_0=Zone("core", 40), _0_1=Zone("uncore", 5), _1=Zone("psys", 90))
    kernel.show(mmio_0=Zone("package-0", 50))
    with metered(kernel) as window:
        kernel.sleep(10)
    assert joules(window.energy.cpu) == pytest.approx(500, abs=1e-3)


def test_dies_that_show_the_counter_of_their_package_count_once(kernel):
    """So do Threadripper and EPYC of the first two Zen generations; those of Cascade Lake AP count for themselves."""
    amd = {"_0": Zone("package-0-die-0", 60, 7e9), "_1": Zone("package-0-die-1", 60, 7.0005e9)}
    kernel.show(**amd, _2=Zone("package-1-die-0", 60, 7e9), _3=Zone("package-1-die-1", 20, 9e9))
    counters = Rapl(kernel.folder)
    before_j = counters.read_j()["package"]
    kernel.sleep(10)
    assert counters.read_j()["package"] - before_j == pytest.approx(600 + 600 + 200, abs=1e-3)


NO_RANGE = "max_energy_range_uj: cannot be read: No such file or directory"
BAD = {
    "range missing": ({"range_text": None}, NO_RANGE),
    "range empty": ({"range_text": "\n"}, "max_energy_range_uj: found '', expected a whole number of microjoules"),
    "range 0": ({"range_text": "0"}, "max_energy_range_uj: found 0, expected more than the 5000000 that the counter"),
    "range below the counter": ({"range_text": "4000000"}, "found 4000000, expected more than the 5000000"),
    "counter missing": ({"energy_text": None}, "energy_uj: cannot be read: No such file or directory"),
    "counter garbage": ({"energy_text": "n/a"}, "energy_uj: found 'n/a', expected a whole number of microjoules"),
    "counter negative": ({"energy_text": "-5"}, "energy_uj: found '-5', expected a whole number of microjoules"),
    "counter not text": ({"energy_text": "\u00e9"}, "energy_uj: cannot be read: "),
    "standing still": ({"power_w": 0}, "energy_uj: stood still for 1 s, as in a virtual machine"),
}


@pytest.mark.parametrize(("changes", "reason"), BAD.values(), ids=BAD)
def test_counters_that_do_not_behave_like_counters_leave_the_estimate_and_the_record_says_why(kernel, changes, reason):
    """Without a range, 3,450 J across the jump to zero once became 50 J, measured; one bad package spoils the sum."""
    kernel.show(_0=Zone("package-0", 50), _1=Zone("package-1", **changes))
    counters = Rapl(kernel.folder)
    assert not counters.readable
    assert counters.why_not.startswith(str(kernel.folder / "intel-rapl:1"))
    assert reason in counters.why_not
    assert counters.read_j() == {}
    with metered(kernel) as window:
        time.sleep(0.05)
    assert window.energy.cpu.kind == "estimated"
    assert reason in window.energy.why_no_rapl
    assert window.energy.window.idle_power_w is None
    assert window.energy.window.disagreement_percent is None


def test_a_counter_for_the_administrator_alone_is_not_read(kernel, monkeypatch):
    """As root, every file can be read: what the kernel answers to others is put in its place."""
    kernel.show(_0=Zone("package-0", 50))

    read_text = Path.read_text

    def answered(file, **options):
        if file.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read_text(file, **options)

    monkeypatch.setattr(Path, "read_text", answered)
    assert "may be read by the administrator alone" in Rapl(kernel.folder).why_not


def test_a_machine_without_rapl_says_so(tmp_path):
    assert Rapl(tmp_path / "none").why_not == f"{tmp_path / 'none'}: the kernel shows no counter of a package"


@pytest.mark.parametrize(("changes", "reason"), BAD.values(), ids=BAD)
def test_memory_that_cannot_be_read_is_estimated_beside_packages_that_are_measured(kernel, changes, reason):
    kernel.show(_0=Zone("package-0", 50), _0_0=Zone("dram", **changes))
    assert reason in Rapl(kernel.folder).why_not_memory
    with metered(kernel) as window:
        kernel.sleep(10)
    assert (window.energy.cpu.kind, joules(window.energy.cpu)) == ("measured", pytest.approx(500, abs=1e-3))
    assert window.energy.ram.kind == "estimated"


def test_memory_of_one_package_of_two_is_not_the_memory(kernel):
    kernel.show(_0=Zone("package-0", 50), _0_0=Zone("dram", 4), _1=Zone("package-1", 50))
    assert "found 1 counters of memory and 2 of packages" in Rapl(kernel.folder).why_not_memory


def test_counters_whose_sum_stands_still_are_not_used(kernel, monkeypatch):
    monkeypatch.setattr(rapl, "update_period_s", lambda counter: None)
    assert "was not updated while it was watched" in Rapl(kernel.show(_0=Zone("package-0", 50)).folder).why_not


def test_rapl_that_reads_zero_inside_the_window_is_refused(kernel):
    meter = metered(kernel.show(_0=Zone("package-0", 50)))
    with pytest.raises(InputError, match="RAPL: read 0 J"), meter:
        pass


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_rapl_that_can_no_longer_be_read_is_refused(kernel, damage):
    kernel.show(_0=Zone("package-0", 50), _1=Zone("package-1", 50))
    with pytest.raises(InputError, match=r"intel-rapl:1/energy_uj: .*; nothing was measured"), metered(kernel):
        kernel.zones[":1"].energy_text = None if damage == "gone" else "n/a"
        kernel.sleep(1)


def test_a_counter_that_is_reset_is_refused_and_its_range_not_taken_for_energy(kernel):
    kernel.show(_0=Zone("package-0", 50, 9e9))
    message = r"rose by 2531\d\d J in 1\.00 s, expected 2200 J at most: it was reset"
    with pytest.raises(InputError, match=message), metered(kernel):
        kernel.zones[":0"].energy_uj = 0
        kernel.sleep(1)


def test_a_counter_that_may_have_started_again_twice_is_refused(kernel):
    """Between windows nobody reads it, and a window that begins later is none the worse for that."""
    counters = Rapl(kernel.show(_0=Zone("package-0", 500, 9e9, range_uj=65_532_610_987)).folder)
    kernel.sleep(40)
    with pytest.raises(InputError, match=r"was not read for 40 s, in which a counter with a range of 65533 J may"):
        counters.read_j()
    assert counters.power_w() is None
    before_j = counters.read_j(first=True)["package"]
    kernel.sleep(30)
    assert counters.read_j()["package"] - before_j == pytest.approx(15_000, abs=1e-3)


def test_beside_a_gpu_the_cpu_is_estimated_where_rapl_stands_still_or_goes_away(kernel, driver):
    from isojoule.energy import nvml

    boards = [nvml.identify(driver.UUIDS[1])]
    kernel.show(_0=Zone("package-0", 50))
    meters = [metered(kernel, gpus=boards, synchronize=lambda: None) for _ in range(2)]
    with meters[0] as standing:
        time.sleep(0.3)
    with meters[1] as gone:
        kernel.zones[":0"].energy_text = None
        kernel.write()
        time.sleep(0.3)
    for window in (standing, gone):
        assert (window.energy.gpu.kind, window.energy.cpu.kind) == ("measured", "estimated")
        assert window.energy.cpu.energy_kwh > 0
        assert window.energy.integrated_power is not None
        assert window.energy.why_no_rapl == "its counters failed or stood still inside the window"


def test_the_page_on_cpus_has_the_limits_that_decide():
    page = (Path(__file__).parents[2] / "docs" / "cpu-energy.md").read_text()
    assert (rapl.STILL_S, rapl.MOST_W) == (1, 2000)
    assert "stands still for a second" in page
    assert "rises by more than 2,000 W" in page
    assert "`why_no_rapl`" in page
