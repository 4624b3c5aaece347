"""Tell what a clip is, and refuse one whose end is missing: its silence would be taken for its sound."""

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import soundfile

from isojoule.workloads import mp3
from isojoule.workloads.audio import Stream, UnusableClipError, opened

# programs that write into a pipe put such a size into the header, since they do not know it yet
PLACEHOLDER_BYTES = 0x7FFFF000
# how the log says that the whole file is shorter than its header says
SHORT_FILE = re.compile(r"^RIFF : \d+ \(should be \d+\)$", re.M)
FILE_BYTES = re.compile(r"^Length : (?P<length>\d+)$", re.M)
# name and size of the file before the audio, as some programs count them and do not
RIFF_HEAD_BYTES = 8
# the head of a SPHERE file, which is text
SPHERE_FRAMES = re.compile(rb"^sample_count -i (\d+)$", re.M)
SPHERE_HEAD_BYTES = 1024
# how libsndfile's log says that audio ends before its header says: in WAV and AU, in W64, in AIFF, in RF64
CUT_OFF = (
    (re.compile(r"^\s*(?:data|Data Size)\s*: (?P<expected>\d+) \(should be (?P<found>\d+)\)$", re.M), "bytes of audio"),
    (re.compile(r"^riff : (?P<expected>\d+) \(should be (?P<found>\d+)\)$", re.M), "bytes"),
    (re.compile(r"'COMM' chunk \((?P<expected>\d+)\)[^(]*'SSND' chunk \((?P<found>\d+)\)"), "frames"),
    (re.compile(r"count (?P<found>\d+) does not match value from 'ds64' chunk of (?P<expected>\d+)"), "frames"),
)
# of a page of Ogg (RFC 3533): the longest one, the head before its table of segments, and the bit of the last one
PAGE_BYTES = 65307
PAGE_HEAD = struct.Struct("<4sBB20xB")
LAST_PAGE = 4
# a block in which decoding fails is lost as a whole, so that blocks are small where frames are counted
COUNTED_FRAMES = 1024


@dataclass(frozen=True, slots=True)
class Properties:
    """What a clip is.

    Attributes:
        duration_s: length of the whole clip.
        rate_hz: sample rate of the file.
        channels: channels of the file.
    """

    duration_s: float
    rate_hz: int
    channels: int


def properties(path: Path) -> Properties:
    """Return what a clip is, once its end is found.

    Only the last frame is decoded, but all of a clip whose header does not tell its length.

    Raises:
        UnusableClipError: the file is missing, no audio, or ends before its header says; the message says where.
    """
    with opened(path) as clip:
        _check_sizes(clip)
        if clip.format == "NIST":
            _check_sphere(path, clip.frames)
        if clip.format == "OGG" and not _has_last_page(path):
            raise UnusableClipError(f"is cut off: found {clip.frames} frames, expected the last page behind them")
        if clip.format == "MP3" and not clip.has_known_length and (walked := mp3.frames(path)):
            _check_walked(walked, clip.frames)
            return Properties(walked.samples / clip.samplerate, clip.samplerate, clip.channels)
        frames = clip.frames if clip.has_known_length and _has_last_frame(clip) else _counted(path)
        return Properties(frames / clip.samplerate, clip.samplerate, clip.channels)


def _check_sizes(clip: Stream) -> None:
    """Refuse a clip that libsndfile makes shorter than its header says, of which only its log tells."""
    for pattern, unit in CUT_OFF:
        if match := pattern.search(clip.extra_info):
            found, expected = int(match["found"]), int(match["expected"])
            if found < expected < PLACEHOLDER_BYTES and not _counts_header(clip, expected):
                raise UnusableClipError(f"is cut off: found {found} {unit}, expected {expected} by its header")


def _check_walked(walked: mp3.Frames, guessed: int) -> None:
    """Refuse an MP3 file without its length that ends within a frame or is guessed to be shorter than it is."""
    if not walked.is_whole:
        raise UnusableClipError(f"is cut off: found {walked.samples} frames and a part of more, expected whole ones")
    if guessed < walked.samples - walked.samples_of_one:
        raise UnusableClipError(
            f"does not say its length, so that {guessed} of its {walked.samples} frames would be decoded; "
            "`ffmpeg -i IN.mp3 -c copy OUT.mp3` writes its length into it"
        )


def _counts_header(clip: Stream, expected: int) -> bool:
    """Say whether the header of a WAV file counts itself as audio, as some programs do; then nothing is missing."""
    length = FILE_BYTES.search(clip.extra_info)
    if length is None or clip.format not in ("WAV", "WAVEX") or SHORT_FILE.search(clip.extra_info):
        return False
    return int(length["length"]) - expected in (0, RIFF_HEAD_BYTES)


def _check_sphere(path: Path, found: int) -> None:
    """Refuse a SPHERE file, of which libsndfile's log tells nothing, that is shorter than its header says."""
    with path.open("rb") as file:
        expected = SPHERE_FRAMES.search(file.read(SPHERE_HEAD_BYTES))
    if expected and found < int(expected[1]):
        raise UnusableClipError(f"is cut off: found {found} frames, expected {int(expected[1])} by its header")


def _has_last_page(path: Path) -> bool:
    """Say whether the last page of an Ogg file is marked as the last one of its stream, and whole."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 2 * PAGE_BYTES), os.SEEK_END)
        end = file.read()
    page = end[end.rfind(b"OggS") :]
    if len(page) < PAGE_HEAD.size:
        return False
    _, _, flags, segments = PAGE_HEAD.unpack_from(page)
    length = PAGE_HEAD.size + segments + sum(page[PAGE_HEAD.size :][:segments])
    return bool(flags & LAST_PAGE) and len(page) >= length


def _has_last_frame(clip: Stream) -> bool:
    try:
        clip.seek(max(clip.frames - 1, 0))
        return bool(len(clip.read(1)) == min(clip.frames, 1))
    except soundfile.SoundFileError:
        return False


def _counted(path: Path) -> int:
    """Decode all of a clip and return the number of its frames, which must not be less than the header's."""
    frames = 0
    with opened(path) as clip:
        expected = f"{clip.frames} by its header" if clip.has_known_length else "the end of the stream behind them"
        try:
            while count := len(clip.read(COUNTED_FRAMES)):
                frames += count
            is_whole = not clip.has_known_length or frames >= clip.frames
        except soundfile.SoundFileError:
            is_whole = False
    if not is_whole:
        raise UnusableClipError(f"is cut off: found {frames} frames that can be decoded, expected {expected}")
    return frames
