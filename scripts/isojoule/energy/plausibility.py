"""Refuse what no board can have drawn: a reading in a wrong unit is worse than none."""

from isojoule.errors import InputError

# the driver holds a board to its limit on average; short peaks go beyond it
MOST_OF_LIMIT = 1.2
# a counter and the power of the same board that differ by more are not of the same thing, or not in the same unit
LARGEST_DIFFERENCE = 0.2
# over a shorter time, the samples of the power are too few to say so
SHORTEST_COMPARISON_S = 2.0
# a power that is the mean of the last second misses half a second of the work, a twentieth of so long a window
SHORTEST_COMPARISON_WITH_MEAN_S = 10.0


def check_power(device: str, energy_j: float, duration_s: float, limit_w: float | None) -> None:
    """Refuse an energy that the power limit of a board forbids.

    Args:
        device: how the message names the board.
        energy_j: energy by the instrument that decides.
        duration_s: of the window.
        limit_w: the power that the driver holds the board to; none where that is not known.

    Raises:
        InputError: the mean power is beyond 1.2 times the limit.
    """
    power_w = energy_j / duration_s
    if limit_w is not None and power_w > MOST_OF_LIMIT * limit_w:
        raise InputError(
            f"{device}: read a mean power of {power_w:,.0f} W over {duration_s:.2f} s, expected at most "
            f"{MOST_OF_LIMIT:g} times its power limit of {limit_w:g} W; its energy cannot be trusted, nothing was "
            "measured"
        )


def check_agreement(
    device: str, counter_j: float, integral_j: float | None, duration_s: float, *, is_mean: bool = False
) -> None:
    """Refuse a counter that the board's own power contradicts.

    Args:
        device: how the message names the board.
        counter_j: energy by the counter.
        integral_j: energy by the power, integrated; none where it was not sampled well enough.
        duration_s: of the window.
        is_mean: whether the power is the mean of the last second and not that of the moment.

    Raises:
        InputError: the two differ by more than a fifth.
    """
    shortest_s = SHORTEST_COMPARISON_WITH_MEAN_S if is_mean else SHORTEST_COMPARISON_S
    if integral_j is None or integral_j <= 0 or duration_s < shortest_s:
        return
    if abs(counter_j / integral_j - 1) > LARGEST_DIFFERENCE:
        raise InputError(
            f"{device}: its energy counter read {counter_j:.4g} J over {duration_s:.2f} s and its power, integrated, "
            f"{integral_j:.4g} J, expected them to agree within {100 * LARGEST_DIFFERENCE:.0f} %; neither can be "
            "trusted, nothing was measured"
        )
