"""From the measured part of a phase to all of it: an estimate, with an interval by how much repetitions differ."""

import numpy as np

from isojoule.records.measurement import Energy, Extrapolation, Work


def extrapolated(energy: Energy, work: Work, times: float) -> Extrapolation:
    """What the whole phase takes.

    The interval is that of the mean energy of a repetition (Student's t, 95 %), times the same factor.

    Args:
        energy: of the part that was measured, with the energy of each repetition of it where that is known.
        work: the part.
        times: how many times the part the whole is.
    """
    # where nothing is extrapolated, a job need not wait for it
    from scipy.special import stdtrit

    measured_kwh, interval = energy.computing.energy_kwh, {}
    repetitions_kwh = energy.window.repetition_energies_kwh or []
    if (number := len(repetitions_kwh)) > 1:
        half_kwh = stdtrit(number - 1, 0.975) * np.std(repetitions_kwh, ddof=1) / np.sqrt(number)
        interval = {
            "low_kwh": times * max(measured_kwh - half_kwh, 0),
            "high_kwh": times * (measured_kwh + half_kwh),
        }
    return Extrapolation(
        times=times,
        steps=max(round(times * work.steps), 1),
        audio_s=None if work.audio_s is None else times * work.audio_s,
        duration_s=times * energy.duration_s,
        energy_kwh=times * measured_kwh,
        kind="simulated" if energy.computing.kind == "simulated" else "estimated",
        **interval,
    )
