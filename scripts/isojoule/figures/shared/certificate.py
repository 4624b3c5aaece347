"""The figure of a certificate: it is of a board, not of a study, and `isojoule check-gpu` draws it."""

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, blank
from isojoule.records.certificate import Certificate, Response, Windows

SEEN, FITTED = "#0072B2", "#D55E00"
# the response is drawn to so many times of the averaging
SHOWN_LENGTHS, SHORTEST_SHOWN_S = 2.0, 0.3


def draw(certificate: Certificate) -> Sheet:
    """Draw how the power answers to a step of work, and how straight windows are, as far as either was seen.

    Raises:
        NothingError: neither was.
    """
    panels: list[Callable[[Axes], None]] = []
    if certificate.step:
        panels.append(partial(_draw_step, step=certificate.step, power=certificate.power))
    if certificate.windows:
        panels.append(partial(_draw_windows, windows=certificate.windows))
    if not panels:
        raise NothingError("No figure: neither a step of work nor windows over steady work could be seen.")
    figure = blank(3.4 * len(panels) + 0.4, 3.0)
    axes = figure.subplots(1, len(panels), squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=True):
        panel(axis)
    gpu = certificate.hardware.gpu
    figure.suptitle(f"{gpu.name if gpu else certificate.hardware.cpu} ({certificate.kind})", fontsize=8)
    return figure


def _draw_step(axis: Axes, step: list[tuple[float, float]], power: Response | None) -> None:
    times_s, shares = np.array(step).T
    averaged_s = (power.averaged_s if power else None) or 0.0
    shown_s = max(SHOWN_LENGTHS * averaged_s, SHORTEST_SHOWN_S)
    is_shown = times_s <= shown_s
    axis.plot(1000 * times_s[is_shown], shares[is_shown], ".", color=SEEN, markersize=4, label="seen")
    if power and power.averaged_s is not None and power.lag_s is not None:
        delay_s = power.lag_s - power.averaged_s / 2
        corners_s = [0, delay_s, delay_s + power.averaged_s, shown_s]
        axis.plot([1000 * corner_s for corner_s in corners_s], [0, 0, 1, 1], "-", color=FITTED, label="fitted")
    axis.set(xlabel="Time since work began or ended (ms)", ylabel="Share of the step in power", ylim=(-0.2, 1.3))
    axis.set_title("Step of work", fontsize=8)
    axis.legend(loc="lower right")


def _draw_windows(axis: Axes, windows: Windows) -> None:
    axis.set_title("Windows over steady work", fontsize=8)
    axis.set(xlabel="Length of the window (s)", ylabel="Mean power (W)")
    durations_s, energies_j = np.array(windows.durations_s), np.array(windows.energies_j)
    powers_w = energies_j / durations_s
    axis.plot(durations_s, powers_w, "o", color=SEEN, markersize=4)
    middle_w = float(np.median(powers_w))
    axis.axhspan(0.99 * middle_w, 1.01 * middle_w, color=FITTED, alpha=0.2, label="within 1 % of the median")
    reach_w = max(float(np.abs(powers_w - middle_w).max()), 0.015 * middle_w)
    axis.set_ylim(middle_w - 1.4 * reach_w, middle_w + 1.8 * reach_w)
    axis.set_xlim(0, 1.1 * float(durations_s.max()))
    axis.legend(loc="upper right")
