"""The length of an MP3 file by its frames, on files that libsndfile encodes and on made-up and broken ones."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from isojoule.workloads import mp3
from isojoule.workloads.audio import UnusableClipError, decode_whole
from isojoule.workloads.whole_clip import properties


def without_length(path, samples, rate_hz, mode, tag=b""):
    """Write an MP3 file without its first frame, which has no sound and says the number of frames."""
    with soundfile.SoundFile(path, "w", rate_hz, 1, format="MP3", bitrate_mode=mode, compression_level=0.2) as file:
        file.write(samples)
    content = path.read_bytes()
    first, following = content[: (second := content.find(content[:2], 2))], content[second:]
    assert (b"Info" if mode == "CONSTANT" else b"Xing") in first
    path.write_bytes(tag + following)


ID3 = b"ID3\4\0\0\0\0\1\0" + bytes(128)


@pytest.mark.parametrize("rate_hz", [44100, 16000, 8000])
@pytest.mark.parametrize(("mode", "tag"), [("CONSTANT", b""), ("CONSTANT", ID3), ("VARIABLE", ID3)])
def test_an_mp3_that_does_not_say_its_length_is_as_long_as_its_frames(tmp_path, rate_hz, mode, tag):
    path, loud = tmp_path / "clip.mp3", np.random.default_rng(0).normal(0, 0.3, 4 * rate_hz)
    without_length(path, np.r_[np.zeros(0 if mode == "CONSTANT" else 4 * rate_hz), loud], rate_hz, mode, tag)
    samples = len(decode_whole(path, rate_hz))
    seconds = 4 if mode == "CONSTANT" else 8
    assert 0 < properties(path).duration_s - seconds < 0.3
    assert samples == properties(path).duration_s * rate_hz
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnusableClipError, match=r"is cut off: found \d+ frames and a part of more"):
        properties(path)


def test_an_mp3_that_is_guessed_to_be_shorter_than_it_is_is_refused(tmp_path):
    path, quiet = tmp_path / "clip.mp3", 0.001 * np.sin(np.arange(4 * 44100) / 9)
    without_length(path, np.r_[quiet, np.random.default_rng(0).normal(0, 0.3, 8 * 44100)], 44100, "VARIABLE")
    reason = r"does not say its length, so that \d+ of its 531\d+ frames would be decoded; `ffmpeg -i IN.mp3 -c copy"
    with pytest.raises(UnusableClipError, match=reason):
        properties(path)


@given(
    kind=st.sampled_from([(0xFB, 1152, 144, 44100), (0xF3, 576, 72, 22050), (0xE3, 576, 72, 11025)]),
    kbps=st.lists(st.sampled_from([(5, 64, 40), (9, 128, 80), (4, 56, 32)]), min_size=2, max_size=40),
    # behind "ID3" the length of a tag is expected
    before=st.binary(max_size=30).filter(lambda tag: b"\xff" not in tag and not tag.startswith(b"ID3")),
    cut=st.integers(0, 25),
)
def test_the_frames_of_an_mp3_are_counted(tmp_path_factory, kind, kbps, before, cut):
    """Frames of ISO 11172-3 (44.1 kHz) and of 13818-3 with its lower rates (22.05 and 11.025 kHz), without a sound."""
    second, samples, per_kbps, rate_hz = kind
    content = before
    for index, of_mpeg_1, of_mpeg_2 in kbps:
        length = per_kbps * 1000 * (of_mpeg_1 if samples == 1152 else of_mpeg_2) // rate_hz
        content += bytes([0xFF, second, index << 4, 0]).ljust(length, b"\0")
    path = tmp_path_factory.getbasetemp() / "frames.mp3"
    path.write_bytes(content[: len(content) - cut])
    assert mp3.frames(path) == mp3.Frames(samples * (len(kbps) - bool(cut)), samples, not cut)
    assert not mp3.says_length(path)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xfb\x90\x00", b"ID3\4\0\0\0\0\0\x05"]))
def test_whatever_a_file_holds_its_frames_are_counted_or_none(tmp_path_factory, content, start):
    path = tmp_path_factory.getbasetemp() / "any.mp3"
    path.write_bytes(start + content)
    walked = mp3.frames(path)
    assert walked is None or walked.samples <= len(content) * 1152
    assert mp3.says_length(path) or walked is not None
