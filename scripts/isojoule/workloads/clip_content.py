"""Tell which clips are the same sound, whatever their files are called, and which of them have none."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isojoule.progress import listed
from isojoule.readable import counted

# resampled, a constant other than 0 stays one within a tenth of a step of 16 bits, but for the samples at its ends
CONSTANT = 3e-6
EDGE_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Content:
    """What a clip holds.

    Attributes:
        path: the audio file.
        split: `train`, `test` or `train,test`.
        sound: what `sound` returns.
    """

    path: str
    split: str
    sound: str | None


def sound(samples: NDArray[np.float32]) -> str | None:
    """Return a hash of the samples that the study uses of a clip, or None where they are silent or constant.

    It is of the sound and not of the file, so that a copy with other tags or in another lossless format has it too.

    Args:
        samples: (n,) mono, at the rate of the study; zeros behind the end of a short clip are not taken for its sound.
    """
    own = np.trim_zeros(samples, "b")
    if len(own) > 3 * EDGE_SAMPLES and np.abs(own[EDGE_SAMPLES]) > CONSTANT:
        own = own[EDGE_SAMPLES:-EDGE_SAMPLES]
    if not len(own) or np.ptp(own) <= CONSTANT:
        return None
    return hashlib.sha256(samples.data).hexdigest()


def leaks(contents: Sequence[Content]) -> dict[str, str]:
    """Return the clips to train on alone whose sound is that of a clip to test on alone, with a sentence for each.

    A clip that both tables name is none of them: the published test is one over the training data, and is flagged.
    """
    sentences: dict[str, str] = {}
    for group in _same(contents):
        if tests := [clip.path for clip in group if clip.split == "test"]:
            reason = f"is to train on, and the same sound as {tests[0]}, which is to test on"
            sentences |= {clip.path: reason for clip in group if clip.split == "train"}
    return sentences


def remarks(contents: Sequence[Content]) -> list[str]:
    """Return sentences on clips that are used although nobody may expect it: copies, and those without a sound."""
    sentences = []
    copies = [f"{clip.path} is {group[0].path}" for group in _same(contents) for clip in group[1:]]
    if copies:
        sentences.append(
            f"{counted(len(copies), 'clip is', 'clips are')} the same sound as another one, which counts again:"
            f"\n       {listed(copies)}"
        )
    if silent := [clip.path for clip in contents if clip.sound is None]:
        sentences.append(
            f"silent or constant in all that the study uses: {len(silent)} of {counted(len(contents), 'clip')}:"
            f"\n       {listed(silent)}"
        )
    return sentences


def file_of(path: Path) -> tuple[int, int] | str:
    """Return what all names of a file share, such as those of links, or in other case on a disk that knows none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return str(path)
    return found.st_dev, found.st_ino


def _same(contents: Sequence[Content]) -> list[list[Content]]:
    """Return the groups of two clips or more that are the same sound."""
    groups: dict[str, list[Content]] = defaultdict(list)
    for clip in contents:
        if clip.sound is not None:
            groups[clip.sound].append(clip)
    return [group for group in groups.values() if len(group) > 1]
