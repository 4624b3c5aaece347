"""Measure how fast WaveFlow generates row by row, beside computing all rows above again for each row.

    python benchmarks generation

The weights are random, but such that the model generates something. Both ways must generate the same audio.
"""

from functools import partial

import torch
from suite import Row, interleaved, timed
from torch import Tensor

from isojoule.workloads.waveflow.description import HOP
from isojoule.workloads.waveflow.model import WaveFlow

FRAMES, RATE_HZ = 22, 22_050
SIZES = ((8, 64), (16, 64), (16, 96))


def measure(rounds: int) -> list[Row]:
    """Measure how long a quarter of a second of audio takes, and how far the two ways are apart."""
    rows = []
    for height, channels in SIZES:
        torch.manual_seed(0)
        model = WaveFlow(height, channels).eval()
        for flow in model.flows:
            for parameter in flow.end.parameters():
                torch.nn.init.normal_(parameter, std=0.02)
        noise, mel = torch.randn(1, FRAMES * HOP), torch.randn(1, 80, FRAMES)
        ours = partial(model.generate, noise, mel)
        theirs = partial(recomputed, model, noise, mel)
        apart = float((ours() - theirs()).abs().max())
        seconds = interleaved(rounds, partial(timed, ours), partial(timed, theirs))
        what, audio_s = f"waveflow-h{height}-r{channels}", FRAMES * HOP / RATE_HZ
        factors = [audio_s / duration_s for duration_s in seconds[0]]
        rows += [
            Row(f"{what}, {audio_s:.2f} s of audio", seconds[0], "all rows again for each", seconds[1], "s", "<= 0.5"),
            Row(f"{what}, largest difference", [apart], "what is allowed", [1e-4], "", "<= 1"),
            Row(f"{what}, real-time factor", factors, "as fast as it sounds", [1.0], ""),
        ]
    return rows


@torch.no_grad()
def recomputed(model: WaveFlow, noise: Tensor, mel: Tensor) -> Tensor:
    """Generate as one would write it first: for each row, run the whole network on all rows above it."""
    rows, condition = model.folded(noise.unsqueeze(1)), model.condition(mel)
    for number in range(len(model.flows)):
        condition = model._reordered(condition, number)
    for number, flow in reversed(list(enumerate(model.flows))):
        rows, condition = model._reordered(rows, number), model._reordered(condition, number)
        generated = rows[:, :, :1]
        for row in range(1, model.height):
            above = flow._nothing_above(rows)
            log_scale, shift, _ = flow._scale_and_shift(generated, condition[:, :, 1 : row + 1], above)
            following = (rows[:, :, row : row + 1] - shift[:, :, -1:]) * (-log_scale[:, :, -1:]).exp()
            generated = torch.cat([generated, following], dim=2)
        rows = generated
    return rows.transpose(-1, -2).flatten(-2).squeeze(1)
