"""What was found of a board, in plain sentences, each with its figure."""

from isojoule.energy.certificate.procedure import Found

# a gain, a spread or a distance from the line beyond this many per cent is worth a second look
NOTABLE_PERCENT = 2.0
# shares of the time that are looked at below this are called so
ALWAYS = 0.9


def sentences(found: Found) -> list[str]:
    """Return a sentence for everything that was found, the most important first."""
    lines = []
    if found.shortest_window_s is not None:
        lines.append(
            f"Windows below {_seconds(found.shortest_window_s)} can be off by more than 1 % on this device, under work "
            "such as this."
        )
    counter, power = found.counter, found.power
    if counter is not None and counter.update_period_s is not None:
        lag = "" if counter.lag_s is None else f" and shows work {_lag(counter.lag_s, counter.averaged_s)}"
        lines.append(f"The energy counter is updated every {_seconds(counter.update_period_s)}{lag}.")
    if power is not None and power.update_period_s is not None:
        shows = {None: "", 0.0: ", and is that of the moment"}.get(
            power.averaged_s, f", and is the mean of the last {_seconds(power.averaged_s or 0.0)}"
        )
        lines.append(f"The power is updated every {_seconds(power.update_period_s)}{shows}.")
    if power is not None and power.looked_share is not None:
        looks = "all of the time" if power.looked_share > ALWAYS else f"{100 * power.looked_share:.0f} % of the time"
        advice = "" if power.looked_share > ALWAYS else ", so that work in its rhythm is seen wrongly; measure for long"
        lines.append(f"The sensor looks at {looks}{advice}.")
    if found.counter_over_power is not None:
        percent = 100 * (found.counter_over_power - 1)
        agreement = "agree" if abs(percent) <= NOTABLE_PERCENT else "disagree"
        lines.append(f"Counter and power {agreement}: the counter reads {percent:+.1f} % of the integrated power.")
    if found.idle_power_w is not None and found.load_power_w is not None:
        lines.append(f"It draws {found.idle_power_w:.1f} W at rest and {found.load_power_w:.1f} W at this work.")
    if found.settling_s is not None:
        lines.append(f"Behind work its power needs {_seconds(found.settling_s)} to come to rest.")
    windows = found.windows
    if windows is not None and windows.nonlinearity_percent is not None:
        lines.append(
            f"Windows of {min(windows.durations_s):.1f} to {max(windows.durations_s):.1f} s are at most "
            f"{windows.nonlinearity_percent:.2f} % off a straight line."
        )
    if windows is not None and windows.spread_percent is not None:
        lines.append(f"Windows of the same length differ by {windows.spread_percent:.2f} % (standard deviation).")
    return [*lines, *(f"Not found out: {what}, since {reason}." for what, reason in found.unknown.items())]


def _lag(lag_s: float, averaged_s: float | None) -> str:
    return "without a lag" if not averaged_s else f"{_seconds(lag_s)} late on average"


def _seconds(value_s: float) -> str:
    return f"{1000 * value_s:.0f} ms" if value_s < 0.9995 else f"{value_s:.1f} s"
