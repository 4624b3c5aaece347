"""Audio files that nobody touched are told by the file system, and every other one by its hash."""

import os
import shutil
import time

import pytest

from isojoule import seals
from isojoule.seals import ChangedError
from isojoule.workloads import clip_files
from isojoule.workloads.clip_files import ClipFiles, check

MAKES = "isojoule prepare-dataset"


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A manifest of three files which are old enough for their times to tell a change."""
    monkeypatch.setattr(clip_files, "TICK_NS", 0)
    monkeypatch.chdir(tmp_path)
    files, rows = ClipFiles(), ["path\tsha256"]
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
        time.sleep(0.02)
        rows.append(f"{name}\t{files.hash(name)}")
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text("\n".join(rows) + "\n")
    files.remember(manifest)
    return manifest


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read, in the order in which they are."""
    names, file_hash = [], seals.file_hash

    def counted(path):
        names.append(path.name)
        return file_hash(path)

    monkeypatch.setattr(seals, "file_hash", counted)
    return names


def keep_times(path, change):
    before = path.stat()
    time.sleep(0.02)
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(path):
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)


def replace(path):
    other = path.with_name("other")
    shutil.copy2(path, other)
    flip(other)
    other.rename(path)


def test_files_that_nobody_touched_are_not_read(prepared, read):
    check(prepared, 2, MAKES)
    assert not read


@pytest.mark.parametrize("change", [flip, replace])
def test_a_change_is_seen_where_somebody_puts_size_and_time_back(prepared, change):
    keep_times(prepared.with_name("b.wav"), change)
    with pytest.raises(ChangedError, match=r"^1 file was changed or removed since .*\n       b\.wav$"):
        check(prepared, 2, MAKES)


def test_files_that_changed_their_names_are_seen(prepared):
    first, second, between = (prepared.with_name(name) for name in ("a.wav", "b.wav", "between"))
    for old, new in ((first, between), (second, first), (between, second)):
        old.rename(new)
    with pytest.raises(ChangedError, match=r"^2 files"):
        check(prepared, 2, MAKES)


def test_a_file_that_was_removed_is_told(prepared):
    prepared.with_name("c.wav").unlink()
    with pytest.raises(ChangedError, match=r"^1 file was[^\n]*\n       c\.wav$"):
        check(prepared, 2, MAKES)


def test_files_of_a_copy_are_read_once(prepared, read, tmp_path, monkeypatch):
    shutil.copytree(tmp_path, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    copy = tmp_path / "copy" / "manifest.tsv"
    files = check(copy, 2, MAKES)
    assert sorted(read) == ["a.wav", "b.wav", "c.wav"]
    files.remember(copy)
    check(copy, 2, MAKES)
    assert len(read) == 3


def test_a_file_is_read_whose_hash_the_manifest_has_not(prepared):
    rows = prepared.read_text().splitlines()
    rows[1] = "a.wav\t" + rows[2].split("\t")[1]
    prepared.write_text("\n".join(rows))
    with pytest.raises(ChangedError, match=r"^1 file was[^\n]*\n       a\.wav$"):
        check(prepared, 2, MAKES)


def test_a_file_that_was_just_written_is_read_again(prepared, monkeypatch):
    monkeypatch.undo()
    files = ClipFiles()
    young = prepared.with_name("a.wav")
    young.write_bytes(b"young")
    sha256 = files.hash(young)
    assert not files.knows(str(young), sha256)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"3", b"null", b'{"a.wav": 3}', b'{"a.wav": ["x"]}', b'{"a.wav": ["x", null]}']
)
def test_all_files_are_read_where_what_is_known_of_them_is_broken(prepared, read, content):
    prepared.with_name(".manifest.tsv.files").write_bytes(content)
    check(prepared, 2, MAKES)
    assert sorted(read) == ["a.wav", "b.wav", "c.wav"]
