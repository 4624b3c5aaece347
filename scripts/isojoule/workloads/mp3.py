"""Read the heads of the frames of an MP3 file (ISO 11172-3 and 13818-3, layer III), which tell what nothing else does.

The length of an MP3 file stands in a first frame without sound, or nowhere. Where it stands nowhere, mpg123 guesses it
from the bit rate of the first frame, and decodes no more than that.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

KBPS = {1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)}
KBPS[2] = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
LAYER_III = 1
# a tag before the first frame may be followed by some padding
SEARCHED_BYTES = 2**16
ID3_HEAD_BYTES = 10
LENGTH_TAGS = (b"Xing", b"Info")
TAG_WITHIN_BYTES = 48


class _Head(NamedTuple):
    kind: tuple[int, int]
    length: int
    samples: int


@dataclass(frozen=True, slots=True)
class Frames:
    """What the frames of a file are together.

    Attributes:
        samples: samples per channel of all whole frames.
        samples_of_one: samples per channel of a frame.
        is_whole: whether the last frame is there to its end.
    """

    samples: int
    samples_of_one: int
    is_whole: bool


def says_length(path: Path) -> bool:
    """Say whether the first frame of an MP3 file has the number of frames, or the file is no layer III.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        tag = file.read(ID3_HEAD_BYTES)
        file.seek(_id3_bytes(tag))
        content = file.read(SEARCHED_BYTES)
    at = _first(content)
    if at is None:
        return True
    start = content[at : at + TAG_WITHIN_BYTES]
    # the last bit of the four bytes of flags behind the name says whether the number of frames follows them
    flags = [start[start.find(name) + 7 :] for name in LENGTH_TAGS if name in start]
    return any(bool(last) and last[0] & 1 for last in flags)


def frames(path: Path) -> Frames | None:
    """Walk through the frames of a file; None where it has none of layer III.

    Raises:
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    content = content[_id3_bytes(content) :]
    at = _first(content)
    if at is None or (first := _head(content, at)) is None:
        return None
    number, is_whole = 0, True
    while (head := _head(content, at)) is not None and head.kind == first.kind:
        at += head.length
        is_whole = at <= len(content)
        number += is_whole
    return Frames(number * first.samples, first.samples, is_whole)


def _id3_bytes(start: bytes) -> int:
    """Return the length of an ID3v2 tag, seven bits of which are in each byte, at the start of a file."""
    if start[:3] != b"ID3" or len(start) < ID3_HEAD_BYTES:
        return 0
    size = sum(byte << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))
    return ID3_HEAD_BYTES + size


def _first(content: bytes) -> int | None:
    """Return where the first frame begins: a head behind which another frame of its kind, or the end, follows."""
    at = content.find(b"\xff")
    while 0 <= at < SEARCHED_BYTES:
        head = _head(content, at)
        if head is not None:
            following = _head(content, at + head.length)
            if at + head.length >= len(content) or (following is not None and following.kind == head.kind):
                return at
        at = content.find(b"\xff", at + 1)
    return None


def _head(content: bytes, at: int) -> _Head | None:
    if len(content) < at + 4 or content[at] != 0xFF or content[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = content[at + 1] >> 3 & 3, content[at + 1] >> 1 & 3
    kbps, rate, padding = content[at + 2] >> 4, content[at + 2] >> 2 & 3, content[at + 2] >> 1 & 1
    if version not in RATES_HZ or layer != LAYER_III or kbps in (0, 15) or rate == 3:
        return None
    generation = 1 if version == 3 else 2
    samples = 1152 // generation
    length = samples // 8 * KBPS[generation][kbps - 1] * 1000 // RATES_HZ[version][rate] + padding
    return _Head((version, rate), length, samples)
