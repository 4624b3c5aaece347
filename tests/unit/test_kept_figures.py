"""A figure that is of the same table, code and settings already is kept, with `--keep-same`."""

from pathlib import Path

import yaml
from commands import isojoule

from isojoule.simulation import worlds
from isojoule.tables.writing import write_table

PROJECT = Path(__file__).parents[2]
OUTPUTS = ("energy-platforms.svg", "energy-platforms.pdf", "power-computation.png")


def test_a_changed_word_draws_the_figures_that_have_it(tmp_path):
    """One word is on both figures, one on one of them; a name that would be shortened stays whole where it has one."""
    outputs = ("energy-platforms.svg", "power-computation.svg")
    configuration = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())

    def drawn(**texts):
        before = {name: (tmp_path / name).stat().st_ino for name in outputs if (tmp_path / name).exists()}
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(configuration | {"figures": {"texts": texts}}))
        words = ("plot", "energy-platforms", "power-computation", "t.csv", "--keep-same", "--config", "c.yaml")
        ended = isojoule(*words, "--output", *outputs, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return [name for name in outputs if (tmp_path / name).stat().st_ino != before.get(name)]

    world = worlds.world(0, 1, worlds.published_systems().iloc[::9])
    long = "a platform of a very long name indeed"
    board = world["gpu"].iloc[0]
    write_table(world.assign(gpu=world["gpu"].replace({board: long})), tmp_path / "t.csv")
    assert drawn() == list(outputs)
    assert drawn(nothing="that any figure has") == []
    assert drawn(Training="a fit") == list(outputs)
    assert drawn(Training="a fit", FLOPs="operations") == ["power-computation.svg"]
    assert "operations per second" in words_of(tmp_path / "power-computation.svg")
    assert drawn(FLOPs="operations", Training="a fit") == []
    assert drawn(FLOPs=r"a\1 FLOPs", Training="a fit") == ["power-computation.svg"]
    assert r"a\1 FLOPs per second" in words_of(tmp_path / "power-computation.svg")
    assert drawn(FLOPs=r"a\1 FLOPs", Training="a fit", crnn="my crnn") == ["energy-platforms.svg"]
    assert "my crnn-" in words_of(tmp_path / "energy-platforms.svg")
    assert "my my" not in words_of(tmp_path / "energy-platforms.svg")
    assert drawn(FLOPs=r"a\1 FLOPs", Training="a fit", crnn="my crnn", very="so") == list(outputs)
    assert "so long name indeed" in words_of(tmp_path / "power-computation.svg")
    assert drawn() == list(outputs)


def words_of(path):
    """The words of a figure, which SVG files have as comments or as text."""
    return " ".join(path.read_text(encoding="utf-8").split())


def test_what_is_of_the_same_table_and_settings_is_kept(tmp_path):
    def drawn():
        before = {name: inode(name) for name in OUTPUTS}
        words = ("plot", "energy-platforms", "power-computation", "t.csv", "--keep-same", "--output", *OUTPUTS)
        ended = isojoule(*words, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return [name for name in OUTPUTS if inode(name) != before[name]]

    def inode(name):
        return (tmp_path / name).stat().st_ino if (tmp_path / name).exists() else None

    world = worlds.world(0, 1, worlds.published_systems().iloc[::9])
    write_table(world, tmp_path / "t.csv")
    assert drawn() == list(OUTPUTS)
    assert drawn() == []
    (tmp_path / "energy-platforms.pdf").write_bytes(b"of something else")
    assert drawn() == list(OUTPUTS[:2])
    write_table(world.assign(energy_kwh=2 * world["energy_kwh"]), tmp_path / "t.csv")
    assert drawn() == list(OUTPUTS)
