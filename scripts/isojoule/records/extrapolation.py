"""Estimate the whole of a phase from its measured part, with an interval by how much repetitions differ."""

import numpy as np

from isojoule.records.measurement import Energy, Extrapolation, Work


def extrapolated(energy: Energy, work: Work, times: float) -> Extrapolation:
    """Estimate what the whole phase takes.

    The interval is that of the mean energy of a repetition (95 %, `isojoule.intervals`), times the same factor.

    Args:
        energy: energy of the measured part, with that of each repetition where it is known.
        work: work of the measured part.
        times: how many times the measured part the whole phase is.
    """
    # scipy takes long to import, and most jobs extrapolate nothing
    from isojoule import intervals

    measured_kwh, interval = energy.computing.energy_kwh, {}
    repetitions_kwh = energy.window.repetition_energies_kwh or []
    if (number := len(repetitions_kwh)) > 1:
        deviation_kwh = np.std(repetitions_kwh, ddof=1)
        low_kwh, high_kwh = intervals.of_mean(measured_kwh, deviation_kwh, number, intervals.POSITIVE)
        interval = {"low_kwh": times * float(low_kwh), "high_kwh": times * float(high_kwh)}
    return Extrapolation(
        times=times,
        steps=max(round(times * work.steps), 1),
        audio_s=None if work.audio_s is None else times * work.audio_s,
        duration_s=times * energy.duration_s,
        energy_kwh=times * measured_kwh,
        kind="simulated" if energy.computing.kind == "simulated" else "estimated",
        **interval,
    )
