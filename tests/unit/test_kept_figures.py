"""A figure that is of the same table, code and settings already is kept, with `--keep-same`."""

from commands import isojoule

from isojoule.simulation import worlds
from isojoule.tables.writing import write_table

OUTPUTS = ("energy-platforms.svg", "energy-platforms.pdf", "power-computation.png")


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
