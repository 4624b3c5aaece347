"""Decode and transform all clips once, into samples, mel spectrograms, and the frame at which each clip begins."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isojoule.configuration.shared_sections import Mel
from isojoule.errors import InputError
from isojoule.files import write_bytes, write_json, written_whole
from isojoule.progress import heartbeat
from isojoule.workloads.audio import UnusableClipError, decode_whole
from isojoule.workloads.mel import log_mel
from isojoule.workloads.waveflow.description import Configuration
from isojoule.workloads.waveflow.manifest import HOP, MANIFEST, Clip, read_manifest

Decoded = tuple[NDArray[np.int16], NDArray[np.float32]]
# the largest sample of 16 bits
FULL_SCALE = 32767


def extract_study(configuration: Configuration, dataset: Path, folder: Path, workers: int) -> int:
    """Write `audio.npy`, `mels.npy`, `clips.npy` and `statistics.json` into `folder`.

    Each thread takes one clip at a time, so that memory does not grow with the number of clips. The statistics are
    written last: mean and standard deviation of the mel spectrograms to train on.

    Args:
        configuration: the study.
        dataset: folder of the manifest.
        folder: where the features go: audio (samples,) int16, mels (frames, n_mels) float32, and clips (clips, 3)
            int64: the first frame of each clip, its number of frames, and 1 where it is a clip to test on.
        workers: number of threads that decode.

    Returns:
        the number of clips.

    Raises:
        InputError: a clip can no longer be decoded.
    """
    clips, mel = read_manifest(dataset / MANIFEST), configuration.mel
    torch.set_num_threads(1)
    frames = sum(clip.n_frames for clip in clips)
    total, squares, done = 0.0, 0.0, 0
    with (
        written_whole(folder / "audio.npy") as audio_path,
        written_whole(folder / "mels.npy") as mels_path,
        audio_path.open("wb") as audio_file,
        mels_path.open("wb") as mels_file,
        ThreadPoolExecutor(workers) as pool,
        heartbeat(lambda: f"{done}/{len(clips)} clips"),
    ):
        _header(audio_file, "<i2", (frames * HOP,))
        _header(mels_file, "<f4", (frames, mel.n_mels))
        transform = log_mel(mel)
        waiting = deque(pool.submit(_decode, clip, mel, transform) for clip in clips[: 2 * workers])
        remaining = iter(clips[2 * workers :])
        for clip in clips:
            audio, mels = waiting.popleft().result()
            waiting.extend(pool.submit(_decode, later, mel, transform) for later in islice(remaining, 1))
            audio_file.write(audio.data)
            mels_file.write(mels.data)
            if clip.split == "train":
                total, squares = total + mels.sum(dtype=float), squares + np.square(mels, dtype=float).sum()
            done += 1
    count = mel.n_mels * sum(clip.n_frames for clip in clips if clip.split == "train")
    mean = total / count
    deviation = max(float(np.sqrt(max(squares / count - mean**2, 0))), 1e-6)
    lengths = np.array([clip.n_frames for clip in clips])
    table = np.stack([np.cumsum(lengths) - lengths, lengths, [clip.split == "test" for clip in clips]], axis=1)
    array = BytesIO()
    np.save(array, table.astype(np.int64))
    write_bytes(folder / "clips.npy", array.getbuffer())
    write_json(folder / "statistics.json", {"clips": len(clips), "mean": mean, "std": deviation})
    return len(clips)


def _header(file: Any, kind: str, shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_2_0(file, {"descr": kind, "fortran_order": False, "shape": shape})


def _decode(clip: Clip, mel: Mel, transform: Any) -> Decoded:
    """Return the samples (n_frames * 256,) of a clip and its mel frames (n_frames, n_mels).

    The last frame is filled up with silence. Each frame is centred on its first sample.
    """
    try:
        samples = decode_whole(Path(clip.path), mel.sample_rate_hz)
    except UnusableClipError as error:
        raise InputError(f"{clip.path}: {error}; prepare the data set again") from error
    audio = np.zeros(clip.n_frames * HOP + mel.n_fft // 2, dtype=np.float32)
    length = min(len(samples), clip.n_frames * HOP)
    audio[:length] = samples[:length]
    mels = transform(torch.from_numpy(audio).unsqueeze(0))[0, :, : clip.n_frames].T.contiguous().numpy()
    whole_frames = audio[: clip.n_frames * HOP].clip(-1, 1)
    return np.rint(whole_frames * FULL_SCALE).astype(np.int16), mels
