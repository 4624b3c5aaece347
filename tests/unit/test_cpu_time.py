"""The CPU time of our processes, and the power that it is taken for."""

import itertools
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil
import pytest

from isojoule.energy import Meter, cpu_time
from isojoule.energy.cpu_time import core_power_w, own_cpu_s, work_cpu_s

BURN = "import time\nends_s = {0}\nwhile time.process_time() < ends_s: pass\nprint('done', flush=True)\ninput()"


def burn(duration_s):
    """Use so much CPU time in this process."""
    ends_s = time.process_time() + duration_s
    while time.process_time() < ends_s:
        pass


@pytest.fixture
def lists_children(monkeypatch, request):
    """The kernel lists children, or the process table must be searched."""
    if request.param == "no":

        def searched(pid):
            raise FileNotFoundError

        monkeypatch.setattr(cpu_time, "_below", searched)


@pytest.mark.parametrize("lists_children", ["yes", "no"], indirect=True)
def test_the_time_is_ours_and_that_of_our_children_alive_and_ended_and_of_theirs(lists_children):
    """A child of a child is a child; what a process used before it was started is its own."""
    others = set(cpu_time._descendants())
    grandchild = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(0.2)!r}], check=True)"
    began_s = own_cpu_s()
    burn(0.3)
    assert own_cpu_s() - began_s == pytest.approx(0.3, abs=0.05)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", grandchild], **pipes) as child:
        assert child.stdout.readline() == "done\n"
        assert len(set(cpu_time._descendants()) - others) == 2
        alive_s = own_cpu_s()
        assert alive_s - began_s > 0.3 + 0.2
        child.communicate("\n")
    assert own_cpu_s() == pytest.approx(alive_s, abs=0.1), "no time is lost or counted twice where a process ends"
    assert set(cpu_time._descendants()) <= others


def test_the_time_does_not_rise_with_what_others_do_nor_while_we_wait():
    other = subprocess.Popen(
        [sys.executable, "-c", "import os\nos.setsid()\nos.fork() and os._exit(0)\nwhile True: pass"],
        stdin=subprocess.DEVNULL,
    )
    other.wait()
    busy = next(p for p in psutil.process_iter(["cmdline"]) if "os.setsid()" in " ".join(p.info["cmdline"] or []))
    try:
        began_s = own_cpu_s()
        time.sleep(0.5)
        assert own_cpu_s() - began_s < 0.05
        assert busy.cpu_times().user > 0.1
    finally:
        busy.kill()


def test_a_child_that_ends_while_it_is_read_is_counted_once(monkeypatch):
    """Its time goes from the process table to that of the ended children between two readings of ours."""
    ended_s = iter([1.0, 3.0, 3.0])
    living = iter([[7], []])
    monkeypatch.setattr(cpu_time, "_of_ended_children_s", lambda: next(ended_s))
    monkeypatch.setattr(cpu_time, "_descendants", lambda: next(living))
    monkeypatch.setattr(cpu_time, "_of_process_s", lambda pid: 2.0)
    monkeypatch.setattr(time, "process_time", lambda: 10.0)
    assert own_cpu_s() == 13


def test_what_it_takes_to_look_at_the_children_is_no_work(monkeypatch):
    living = cpu_time._descendants

    def slowly():
        burn(0.1)
        return living()

    monkeypatch.setattr(cpu_time, "_descendants", slowly)
    began_s = work_cpu_s()
    burn(0.1)
    assert work_cpu_s() - began_s == pytest.approx(0.1, abs=0.03)


@pytest.fixture(params=["at once", "late"])
def _tells_births(request, monkeypatch):
    """The kernel tells which number it gave out last, or a container shows that of some seconds ago."""
    if request.param == "late":
        monkeypatch.setattr(cpu_time, "_newest_pid", lambda: 7)
    cpu_time._tells_births.cache_clear()
    yield
    cpu_time._tells_births.cache_clear()


@pytest.mark.usefixtures("_tells_births")
def test_a_child_that_is_born_between_two_looks_is_seen_and_what_it_has_run_too():
    before = set(cpu_time._descendants())
    runs = """
import subprocess, sys
for line in sys.stdin:
    subprocess.run([sys.executable, "-S", "-c", line])
    print(flush=True)
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", runs], **pipes) as child:
        assert set(cpu_time._descendants()) - before == {child.pid}
        for _ in range(3):
            began_s = own_cpu_s()
            print("import time; any(time.process_time() > 0.1 for _ in iter(int, 1))", file=child.stdin, flush=True)
            child.stdout.readline()
            assert own_cpu_s() - began_s == pytest.approx(0.1, abs=0.05)
        child.stdin.close()


@pytest.fixture
def machine(monkeypatch):
    """A machine of eight logical cores whose /proc/cpuinfo a test writes."""
    core_power_w.cache_clear()
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)

    def is_of(*lines, name="AMD EPYC 7742"):
        monkeypatch.setattr(cpu_time, "_cpuinfo", lambda: list(lines))
        monkeypatch.setattr(cpu_time, "cpu_model", lambda: name)

    is_of("flags\t\t: fpu vme", "physical id\t: 0", "physical id\t: 1")
    yield is_of
    core_power_w.cache_clear()


def test_a_core_has_its_share_of_the_design_power(machine):
    assert core_power_w(160.0) == (20, "160 W of the configuration over 8 cores")
    assert core_power_w(None) == (2 * 225 / 8, "450 W of CodeCarbon's list over 8 cores")


@pytest.mark.parametrize("name", ["a CPU that nobody knows", None])
def test_a_cpu_that_is_in_no_list_has_the_default(machine, name):
    machine("flags : fpu", name=name)
    assert core_power_w(None) == (4, "4 W per core")


def test_in_a_virtual_machine_the_list_says_nothing_of_the_cores_that_are_there(machine):
    """225 W over the two cores of a small machine would be ten times too much."""
    machine("flags\t\t: fpu hypervisor vme", "physical id\t: 0")
    assert core_power_w(None) == (4, "4 W per core")
    assert core_power_w(16.0)[0] == 2


def test_a_list_that_cannot_be_read_is_not_fatal(machine, monkeypatch):
    from codecarbon.core.cpu import TDP

    def broken(tdp, name):
        raise OSError("no list")

    monkeypatch.setattr(TDP, "_get_cpu_power_from_registry", broken)
    assert core_power_w(None) == (4, "4 W per core")


@pytest.mark.parametrize("max_power_w", [None, 30.0])
def test_the_meter_estimates_the_cpu_by_its_time_and_has_codecarbons_figure_beside_it(tmp_path, max_power_w):
    core_w, words = core_power_w(max_power_w)
    with Meter(powercap=tmp_path, min_window_s=0.01, resolution_percent=100, cpu_max_power_w=max_power_w) as window:
        used_s = own_cpu_s()
        while window.again(2):
            burn(0.4)
        assert 3.6e6 * window.so_far_kwh() == pytest.approx(0.8 * core_w, rel=0.1)
        used_s = own_cpu_s() - used_s
    energy = window.energy
    assert (energy.cpu.kind, energy.cpu.uncertainty_kwh) == ("estimated", None)
    assert words in energy.cpu.source
    assert 2 * 3.6e6 * energy.cpu.energy_kwh == pytest.approx(core_w * used_s, rel=0.05)
    energies_j = [3.6e6 * energy_kwh for energy_kwh in energy.window.repetition_energies_kwh]
    assert energies_j == pytest.approx([0.4 * core_w] * 2, rel=0.1)
    assert (energy.window.idle_power_w, energy.net_energy_kwh, energy.window.disagreement_percent) == (None, None, None)
    assert energy.window.instrument_period_s == 1 / os.sysconf("SC_CLK_TCK")
    assert energy.codecarbon.cpu_energy_kwh > 0
    assert energy.why_no_rapl


def test_what_slows_some_repetitions_is_not_in_the_estimate(tmp_path):
    """Others of the core double the CPU time of the work for seconds, so that the mean would tell of them."""
    uses_s = iter([0.4, 0.2, 0.2, 0.4])
    with Meter(powercap=tmp_path, min_window_s=0.01, resolution_percent=100) as window:
        while window.again(4):
            burn(next(uses_s))
    energy = window.energy
    assert 3.6e6 * energy.cpu.energy_kwh == pytest.approx(0.2 * core_power_w(None)[0], rel=0.05)
    assert energy.window.slowed_percent == pytest.approx(50, abs=8)


def test_what_slows_some_part_of_each_repetition_is_not_in_the_estimate(tmp_path):
    """Repetitions of four equal parts, of which no repetition has all undisturbed."""
    with Meter(powercap=tmp_path, min_window_s=0.01, resolution_percent=100) as window:
        while window.again(3):
            for uses_s in (0.05, 0.1, 0.05, 0.1):
                burn(uses_s)
                window.part_done("step")
    energy = window.energy
    assert 3.6e6 * energy.cpu.energy_kwh == pytest.approx(0.2 * core_power_w(None)[0], rel=0.05)
    assert energy.window.slowed_percent == pytest.approx(50, abs=8)


def run_programs(count):
    for _ in range(count):
        subprocess.run([sys.executable, "-S", "-c", ""], check=True)


def test_what_the_kernel_tells_in_ticks_alone_is_not_cut_into_stretches(tmp_path):
    """A worker that lives on runs programs, whose time rises by ticks: some stretch would seem to have next to none."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as worker:
        worker.submit(run_programs, 1).result()
        with Meter(powercap=tmp_path, min_window_s=0.01, resolution_percent=100) as window:
            used_s = own_cpu_s()
            while window.again(4):
                worker.submit(run_programs, 2).result()
            used_s = own_cpu_s() - used_s
    energy = window.energy
    assert energy.window.slowed_percent is None
    assert 4 * 3.6e6 * energy.cpu.energy_kwh == pytest.approx(used_s * core_power_w(None)[0], rel=0.3)


@pytest.mark.parametrize("tick_s", [1e-6, 0.01])
def test_the_step_of_the_clock_is_seen_whatever_the_clock_says_of_itself(monkeypatch, tick_s):
    shown_s = (tick_s * (number // 7) for number in itertools.count(3))
    monkeypatch.setattr(cpu_time.time, "process_time", lambda: next(shown_s))
    assert cpu_time.clock_step.__wrapped__() == pytest.approx(tick_s)


def test_the_page_on_cpus_says_which_power_a_core_has():
    pages = Path(__file__).parents[2] / "docs"
    page = " ".join((pages / "cpu-energy.md").read_text().split())
    assert f"it is {cpu_time.DEFAULT_CORE_W:g} W. The record says which, in `source`" in page
    assert f"else {cpu_time.DEFAULT_CORE_W:g} W per core" in (pages / "own-loop.md").read_text()
