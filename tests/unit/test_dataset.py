"""From tables of labels and audio files to a manifest and features, on real files."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from isojoule.errors import InputError
from isojoule.workloads.audio import UnusableClipError, decode_beginning, decode_whole, n_samples
from isojoule.workloads.tagging import extraction, synthetic
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.tagging.description.sections import Desed, Folder, Synthetic
from isojoule.workloads.tagging.extraction import extract
from isojoule.workloads.tagging.features import Features
from isojoule.workloads.tagging.labels import DESED_CLASSES, read_labels
from isojoule.workloads.tagging.manifest import read_manifest
from isojoule.workloads.whole_clip import Properties, properties

ESC10 = Path(__file__).parents[3] / "shared" / "esc10"


@pytest.fixture
def mel(demo):
    return demo.mel


def noise(path, seconds=1.5, rate_hz=16000, channels=1, seed=0):
    """Write noise to an audio file."""
    path.parent.mkdir(exist_ok=True, parents=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal((int(seconds * rate_hz), channels))
    soundfile.write(path, samples, rate_hz)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (16000, 2), (22050, 1), (44100, 2), (48000, 1)])
def test_the_beginning_is_that_of_the_whole_clip(tmp_path, mel, suffix, rate_hz, channels):
    path = noise(tmp_path / f"clip.{suffix}", 2.5, rate_hz, channels)
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    whole = soxr.resample(samples.mean(axis=1), rate_hz, mel.sample_rate_hz)
    found = decode_beginning(path, mel)
    assert found.shape == (n_samples(mel),)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, whole[: n_samples(mel)], atol=1e-4)


def test_a_short_clip_ends_in_zeros(tmp_path, mel):
    found = decode_beginning(noise(tmp_path / "short.wav", seconds=0.5), mel)
    assert np.all(found[8000:] == 0)
    assert np.count_nonzero(found[:8000]) > 7900


def test_what_is_no_usable_clip_says_why(tmp_path, mel):
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    no_rate = bytearray(noise(tmp_path / "rate.wav").read_bytes())
    no_rate[24:28] = bytes(4)
    (tmp_path / "rate.wav").write_bytes(no_rate)
    soundfile.write(tmp_path / "loud.wav", np.full(20000, 1e30), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), 16000)
    soundfile.write(tmp_path / "nan.wav", np.full(20000, np.nan), 16000, subtype="FLOAT")
    reasons = {
        "gone.wav": "is missing",
        "text.wav": r"cannot be decoded \(.+\)",
        "empty.wav": r"is empty \(0 bytes\)",
        "zero.wav": "has 0 samples",
        "nan.wav": "holds values that are not finite",
        "folder.wav": "is a folder, expected an audio file",
        "rate.wav": r"cannot be decoded \(.+\)",
        "loud.wav": r"holds a sample of 1e\+30, expected 1 at full scale",
        "n" * 300 + ".wav": "is missing",
        "n\0.wav": "is missing",
    }
    for name, reason in reasons.items():
        with pytest.raises(UnusableClipError, match=reason):
            decode_beginning(tmp_path / name, mel)


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "FLAC", "OGG", "MP3", "NIST"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.97, -1, -44])
def test_a_clip_without_its_end_is_refused(tmp_path, form, kept):
    path = tmp_path / f"clip.{form}"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 64000), 16000, format=form)
    whole = path.read_bytes()
    assert properties(path) == Properties(4.0, 16000, 1)
    path.write_bytes(whole[: kept if kept < 0 else int(len(whole) * kept)])
    with pytest.raises(UnusableClipError, match=r"is cut off: found \d+ .*, expected (\d+ by|the last page)"):
        properties(path)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "FLAC", "OGG", "MP3"])
def test_a_tag_behind_a_clip_is_not_taken_for_a_missing_end(tmp_path, form):
    path = tmp_path / f"clip.{form}"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 64000), 16000, format=form)
    with path.open("ab") as file:
        file.write(b"TAG" + bytes(125))
    assert properties(path) == Properties(4.0, 16000, 1)


def test_an_mp3_whose_beginning_is_cut_off_is_never_filled_up_with_silence(tmp_path, mel):
    path = noise(tmp_path / "clip.mp3", seconds=4)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(UnusableClipError, match=r"is cut off: found \d+ frames, expected 64000 by its header"):
        decode_beginning(path, mel)


@pytest.mark.parametrize("header_bytes", [36, 44])
def test_a_wav_whose_header_counts_itself_as_audio_is_whole(tmp_path, header_bytes):
    content = bytearray(noise(tmp_path / "clip.wav").read_bytes())
    content[40:44] = (48000 + header_bytes).to_bytes(4, "little")
    (tmp_path / "clip.wav").write_bytes(content)
    assert properties(tmp_path / "clip.wav").duration_s == 1.5
    (tmp_path / "clip.wav").write_bytes(content[:-1])
    with pytest.raises(UnusableClipError, match="is cut off: found 47999 bytes of audio, expected 48"):
        properties(tmp_path / "clip.wav")


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_wav_from_a_pipe_tells_no_length(tmp_path, mel, size):
    path = noise(tmp_path / "pipe.wav")
    before = decode_beginning(path, mel)
    content = bytearray(path.read_bytes())
    content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert properties(path).duration_s == 1.5
    np.testing.assert_array_equal(decode_beginning(path, mel), before)


@pytest.mark.parametrize("seconds", [0.5, 4])
def test_a_flac_of_unknown_length_is_as_long_as_it_decodes(tmp_path, mel, seconds):
    path = noise(tmp_path / "clip.flac", seconds)
    before = decode_beginning(path, mel)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert soundfile.info(path).frames == 2**63 - 1
    assert properties(path) == Properties(seconds, 16000, 1)
    np.testing.assert_array_equal(decode_beginning(path, mel), before)
    assert len(decode_whole(path, 16000)) == seconds * 16000
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnusableClipError, match=r"is cut off: found .* expected the end of the stream behind them"):
        properties(path)


def folder(tmp_path, **changes):
    """The dataset section of a folder with two good clips, and the tables that name them."""
    noise(tmp_path / "audio" / "a.wav")
    noise(tmp_path / "audio" / "b.flac", rate_hz=44100, channels=2)
    (tmp_path / "train.tsv").write_text("filename\tevent_labels\na.wav\tDog\nb.flac\tCat,Dog\n")
    (tmp_path / "test.tsv").write_text("filename\tevent_labels\nb.flac\tDog,Cat\n")
    tables = {"train": "train.tsv", "test": "test.tsv"}
    return Folder(source="folder", path=str(tmp_path), classes=["Cat", "Dog"], **tables, **changes)


def test_a_folder_becomes_a_manifest(tmp_path, mel):
    clips = prepare(folder(tmp_path), mel, tmp_path / "out")
    assert read_manifest(tmp_path / "out" / "manifest.tsv") == clips
    assert [(clip.split, clip.labels, clip.duration_s, clip.sample_rate_hz, clip.channels) for clip in clips] == [
        ("train", "Dog", 1.5, 16000, 1),
        ("train,test", "Cat,Dog", 1.5, 44100, 2),
    ]


def spoil(tmp_path):
    """Add one file of every kind that is wrong, and return what is to be said of them."""
    audio = tmp_path / "audio"
    (audio / "corrupt.ogg").write_text("no audio")
    soundfile.write(audio / "zero.wav", np.zeros(0), 16000)
    (audio / "folder.wav").mkdir()
    with (tmp_path / "train.tsv").open("a") as file:
        file.write(
            "corrupt.ogg\tDog\nzero.wav\tDog\ngone.wav\tDog\nb.flac\tDog\nunlabelled.wav\t\nfolder.wav\tDog\nlost.wav\n"
        )
    kinds = {"corrupt.ogg": "cannot be decoded", "zero.wav": "has 0 samples", "gone.wav": "is missing"}
    kinds |= {"unlabelled.wav": "has no label", "folder.wav": "is a folder, expected an audio file"}
    paths = {str(audio / name): reason for name, reason in kinds.items()}
    return paths | {f"{tmp_path / 'train.tsv'}, line 10": "found 1 columns, expected the 2 of the header"}


def test_everything_wrong_is_listed_at_once(tmp_path, mel):
    dataset = folder(tmp_path)
    kinds = spoil(tmp_path)
    with pytest.raises(InputError, match="6 files or rows are wrong") as refused:
        prepare(dataset, mel, tmp_path / "out")
    for path, kind in kinds.items():
        assert f"{path}: {kind}" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_can_be_left_out_but_not_silently(tmp_path, mel, capsys):
    dataset = folder(tmp_path, on_bad_file="leave_out")
    kinds = spoil(tmp_path)
    assert len(prepare(dataset, mel, tmp_path / "out")) == 2
    left_out = (tmp_path / "out" / "left_out.tsv").read_text()
    said = capsys.readouterr().err
    for path, kind in kinds.items():
        assert f"{path}\t{kind}" in left_out
        assert f"{path}: {kind}" in said


def test_the_tables_choose_among_the_clips_of_a_folder(tmp_path, mel, capsys):
    dataset = folder(tmp_path)
    for name in ("c.wav", "d.mp3", "folder.wav/e.ogg"):
        noise(tmp_path / "audio" / name)
    (tmp_path / "test.tsv").write_text("filename\tevent_labels\n./b.flac\tDog,Cat\n")
    assert [clip.split for clip in prepare(dataset, mel, tmp_path / "out")] == ["train", "train,test"]
    assert capsys.readouterr().err == (
        f"{tmp_path / 'audio'}: 3 audio files are not used, since no row names such a file\n"
    )


def to_flac(path, source):
    samples, rate_hz = soundfile.read(source, dtype="int16")
    soundfile.write(path, samples, rate_hz)


LINKS = {
    "../audio/a.wav": lambda path, source: None,
    "soft.wav": Path.symlink_to,
    "hard.wav": Path.hardlink_to,
}
COPIES = {"copy.wav": lambda path, source: path.write_bytes(source.read_bytes()), "copy.flac": to_flac}


@pytest.mark.parametrize("name", [*LINKS, *COPIES])
def test_a_clip_to_train_on_is_none_to_test_on_under_another_name(tmp_path, mel, capsys, name):
    dataset = folder(tmp_path)
    noise(tmp_path / "audio" / "c.wav", seed=1)
    (LINKS | COPIES)[name](tmp_path / "audio" / name, tmp_path / "audio" / "a.wav")
    (tmp_path / "train.tsv").write_text("filename\tevent_labels\na.wav\tDog\nc.wav\tCat\n")
    (tmp_path / "test.tsv").write_text(f"filename\tevent_labels\n{name}\tDog\nb.flac\tCat\n")
    a, other = (tmp_path / "audio" / clip for clip in ("a.wav", name))
    reason = f"{a}: is to train on, and the same sound as {other}, which is to test on"
    with pytest.raises(InputError) as refused:
        prepare(dataset, mel, tmp_path / "out")
    assert str(refused.value).endswith(f"\n       {reason}")
    dataset = folder(tmp_path, on_bad_file="leave_out")
    (tmp_path / "train.tsv").write_text("filename\tevent_labels\na.wav\tDog\nc.wav\tCat\n")
    (tmp_path / "test.tsv").write_text(f"filename\tevent_labels\n{name}\tDog\nb.flac\tCat\n")
    clips = prepare(dataset, mel, tmp_path / "out")
    assert [(Path(clip.path).name, clip.split) for clip in clips] == [
        ("c.wav", "train"), (Path(name).name, "test"), ("b.flac", "test")
    ]  # fmt: skip
    assert f"left out, as dataset.on_bad_file says:\n       {reason}\n" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*LINKS, *COPIES])
def test_a_clip_that_is_twice_in_a_split_is_joined_or_told(tmp_path, mel, capsys, name):
    dataset = folder(tmp_path)
    a, other = (tmp_path / "audio" / clip for clip in ("a.wav", name))
    (LINKS | COPIES)[name](other, a)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write(f"{name}\tCat\n")
    clips = {clip.path: clip.labels for clip in prepare(dataset, mel, tmp_path / "out")}
    told = capsys.readouterr().err
    if name in LINKS:
        assert clips == {str(a): "Dog,Cat", str(tmp_path / "audio" / "b.flac"): "Cat,Dog"}
        assert "the same sound" not in told
    else:
        assert (clips[str(a)], clips[str(other)]) == ("Dog", "Cat")
        assert told == f"1 clip is the same sound as another one, which counts again:\n       {other} is {a}\n"


@pytest.mark.parametrize(
    ("samples", "rate_hz", "is_silent"),
    [
        (np.zeros(20000), 16000, True),
        (np.full(60000, -0.25), 44100, True),
        (np.full(500, 0.5), 16000, True),
        (np.r_[0, 0.5, np.zeros(19998)], 16000, False),
        (np.r_[np.zeros(2000), 2**-14, np.zeros(18000)], 16000, False),
        (np.r_[np.zeros(40000), np.ones(10)], 16000, True),
    ],
)
def test_a_clip_without_a_sound_is_told_and_is_no_copy(tmp_path, mel, capsys, samples, rate_hz, is_silent):
    dataset = folder(tmp_path)
    for split in ("train", "test"):
        soundfile.write(tmp_path / "audio" / f"{split}.wav", samples / (1 if is_silent else len(split) - 3), rate_hz)
        with (tmp_path / f"{split}.tsv").open("a") as file:
            file.write(f"{split}.wav\tDog\n")
    assert len(prepare(dataset, mel, tmp_path / "out")) == 4
    silent = "\n".join(f"       {tmp_path / 'audio' / name}.wav" for name in ("train", "test"))
    told = f"silent or constant in all that the study uses: 2 of 4 clips:\n{silent}\n"
    assert capsys.readouterr().err == (told if is_silent else "")


def test_a_single_label_is_exactly_one(tmp_path, mel, capsys):
    reason = "b.flac: has the labels Cat, Dog, expected exactly one, since task is single_label"
    with pytest.raises(InputError, match=reason):
        prepare(folder(tmp_path), mel, tmp_path / "out", "single_label")
    dataset = folder(tmp_path, on_bad_file="leave_out")
    (tmp_path / "test.tsv").write_text("filename\tevent_labels\na.wav\tDog\n")
    assert [clip.labels for clip in prepare(dataset, mel, tmp_path / "out", "single_label")] == ["Dog"]
    assert reason in capsys.readouterr().err


def test_synthetic_clips_of_a_single_label_task_have_one(tmp_path):
    synthetic.write(tmp_path, 20, 20, 1, "single_label")
    labels = read_labels(tmp_path / "train.tsv", DESED_CLASSES).of_clips.values()
    assert {len(classes) for classes in labels} == {1}
    assert {classes[0] for classes in labels} == set(DESED_CLASSES)


def test_strong_labels_are_told_as_such(tmp_path, mel, capsys):
    dataset = folder(tmp_path)
    rows = "a.wav\t0\t1\tDog\nb.flac\t0\t1\tCat\nb.flac\t0\t1\tDog\n"
    (tmp_path / "train.tsv").write_text(f"filename\tonset\toffset\tevent_label\n{rows}")
    assert [clip.labels for clip in prepare(dataset, mel, tmp_path / "out")] == ["Dog", "Cat,Dog"]
    told = f"{tmp_path / 'train.tsv'}: has strong labels: each of 2 clips has the classes of all its events\n"
    assert capsys.readouterr().err == told


def test_names_may_be_in_any_script(tmp_path, mel):
    dataset = folder(tmp_path)
    noise(tmp_path / "audio" / "猫: 一.wav")
    with (tmp_path / "train.tsv").open("a", encoding="utf-8", newline="") as file:
        file.write("猫: 一.wav\tCat\r\n")
    prepare(dataset, mel, tmp_path / "out")
    assert read_manifest(tmp_path / "out" / "manifest.tsv")[2].path == str(tmp_path / "audio" / "猫: 一.wav")


def test_nothing_left_is_refused(tmp_path, mel):
    dataset = folder(tmp_path, on_bad_file="leave_out")
    (tmp_path / "audio" / "b.flac").write_text("")
    with pytest.raises(InputError, match="no usable clip is left to test on"):
        prepare(dataset, mel, tmp_path / "out")


def test_a_missing_folder_says_how_to_get_desed(tmp_path, mel):
    with pytest.raises(InputError, match=r"audio is missing; config/README\.md says how to get DESED"):
        prepare(Desed(source="desed", path=str(tmp_path / "none"), audio="audio"), mel, tmp_path / "out")


def test_labels_that_contradict_each_other_are_refused(tmp_path, mel):
    dataset = folder(tmp_path)
    (tmp_path / "test.tsv").write_text("filename\tevent_labels\nb.flac\tCat\n")
    with pytest.raises(InputError, match=r"found other labels in train\.tsv and test\.tsv(.|\n)*b\.flac"):
        prepare(dataset, mel, tmp_path / "out")


def test_synthetic_data_are_the_same_for_the_same_seed(tmp_path):
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        synthetic.write(tmp_path / name, 20, 20, seed)
    one, two, three = (sorted((tmp_path / name).rglob("*.*")) for name in ("one", "two", "three"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert [path.read_bytes() for path in one] != [path.read_bytes() for path in three]
    for split in ("train", "test"):
        labels = read_labels(tmp_path / "one" / f"{split}.tsv", DESED_CLASSES)
        assert {label for found in labels.of_clips.values() for label in found} == set(DESED_CLASSES)
        assert all(1 <= len(found) <= 3 for found in labels.of_clips.values())


def test_features_are_those_of_the_clips(tmp_path, mel):
    prepare(folder(tmp_path), mel, tmp_path / "out")
    assert extract(tmp_path / "out", mel, ["Cat", "Dog"], tmp_path / "features", workers=2) == 2
    features = Features(tmp_path / "features", mel)
    assert (features.values.shape, features.values.dtype) == ((2, 128, 64), np.float32)
    assert isinstance(features.values, np.memmap)
    np.testing.assert_array_equal(features.targets, [[0, 1], [1, 1]])
    assert features.rows("train").tolist() == [0, 1]
    assert features.rows("test").tolist() == [1]
    assert features.mean == pytest.approx(features.values.mean(), rel=1e-5)
    assert features.std == pytest.approx(features.values.std(), rel=1e-4)
    np.testing.assert_allclose(features.decode(np.array([1, 0])), features.values[[1, 0]], atol=1e-4)
    assert not list((tmp_path / "features").glob("*.tmp"))


def test_features_do_not_depend_on_batches_and_workers(tmp_path, mel, monkeypatch):
    prepare(Synthetic(source="synthetic", train_clips=50, test_clips=20, seed=3), mel, tmp_path / "out")
    for workers, batch in ((1, 4), (2, 8)):
        monkeypatch.setattr(extraction, "BATCH", batch)
        extract(tmp_path / "out", mel, DESED_CLASSES, tmp_path / str(workers), workers)
    one, two = (Features(tmp_path / str(workers), mel) for workers in (1, 2))
    np.testing.assert_allclose(one.values, two.values, atol=1e-4)
    # they are in the fingerprint of the data, by which cells are measured again
    assert (one.mean, one.std) == (two.mean, two.std)
    assert json.loads((tmp_path / "1" / "statistics.json").read_text())["clips"] == 70


def test_a_clip_that_went_away_is_named_and_leaves_nothing(tmp_path, mel):
    prepare(folder(tmp_path), mel, tmp_path / "out")
    (tmp_path / "audio" / "a.wav").unlink()
    with pytest.raises(InputError, match=r"1 clip cannot be decoded(.|\n)*a\.wav: is missing"):
        extract(tmp_path / "out", mel, ["Cat", "Dog"], tmp_path / "features", workers=2)
    assert not list((tmp_path / "features").iterdir())


def test_what_is_no_manifest_is_refused_by_name(tmp_path):
    (tmp_path / "manifest.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(InputError, match=r"manifest\.tsv: is not a manifest"):
        read_manifest(tmp_path / "manifest.tsv")


@pytest.mark.skipif(not ESC10.is_dir(), reason="the recordings of ESC-10 are not beside the project")
def test_real_recordings_run_unchanged(tmp_path, mel, capsys):
    tables = [(ESC10 / "metadata" / f"{split}.tsv").read_text().splitlines()[1:] for split in ("train", "test")]
    classes = sorted({line.split("\t")[1] for lines in tables for line in lines})
    names = {"path": str(ESC10), "train": "metadata/train.tsv", "test": "metadata/test.tsv"}
    clips = prepare(Folder(source="folder", classes=classes, **names), mel, tmp_path / "out")
    assert (len(clips), len(classes)) == (400, 10)
    assert "silent or constant in all that the study uses: 5 of 400 clips" in capsys.readouterr().err
    extract(tmp_path / "out", mel, classes, tmp_path / "features", workers=2)
    features = Features(tmp_path / "features", mel)
    assert np.isfinite(features.values).all()
    assert features.targets.sum() == 400
