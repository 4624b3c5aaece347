"""Generation with WaveFlow row by row, beside computing all rows above again for each row, and beside real time.

    python benchmarks generation

Weights of a start that generates something; both must generate the same.
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
    """Seconds of a quarter of a second of audio, and how far the two are apart."""
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
        rows += [
            Row(f"{what}, {audio_s:.2f} s of audio", seconds[0], "all rows again for each", seconds[1], "s", "<= 0.5"),
            Row(f"{what}, largest difference", [apart], "what is allowed", [1e-4], "", "<= 1"),
            Row(f"{what}, real-time factor", [audio_s / one for one in seconds[0]], "as fast as it sounds", [1.0], ""),
        ]
    return rows


@torch.no_grad()
def recomputed(model: WaveFlow, noise: Tensor, mel: Tensor) -> Tensor:
    """What one would write first: for each row, the whole network on all rows above it."""
    rows, condition = model.folded(noise.unsqueeze(1)), model.condition(mel)
    for number in range(len(model.flows)):
        condition = model._reordered(condition, number)
    for number, flow in reversed(list(enumerate(model.flows))):
        rows, condition = model._reordered(rows, number), model._reordered(condition, number)
        found = rows[:, :, :1]
        for row in range(1, model.height):
            above = flow._nothing_above(rows)
            log_scale, shift, _ = flow._scale_and_shift(found, condition[:, :, 1 : row + 1], above)
            following = (rows[:, :, row : row + 1] - shift[:, :, -1:]) * (-log_scale[:, :, -1:]).exp()
            found = torch.cat([found, following], dim=2)
        rows = found
    return rows.transpose(-1, -2).flatten(-2).squeeze(1)
