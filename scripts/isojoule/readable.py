"""Units and digits for people: one unit for numbers that stand together, and three significant digits.

Records and tables for programs stay in the unit of their names (kWh, s, W). What people read goes through here: the
page, the axes of figures, the terminal and the model card.
"""

from collections.abc import Iterable
from statistics import median
from typing import Any, NamedTuple

from isojoule.units import JOULES_PER_KWH

# digits of a number of this size and above are written with a power of ten
LARGEST_IN_FULL = 1e6


class Unit(NamedTuple):
    """A unit that people read.

    Attributes:
        symbol: what stands behind a number; nothing for a bare count.
        size: one such unit in the unit of the records, in which all values below are given.
    """

    symbol: str
    size: float

    def of(self, value: Any) -> Any:
        """Convert numbers, arrays or columns from the unit of the records."""
        return value / self.size

    def digits(self, value: float | None) -> str:
        """Write a value without its unit, as below a heading that has it."""
        return digits(None if is_missing(value) else self.of(value))

    def shown(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{self.digits(value)} {self.symbol}".strip()

    def between(self, low: float, high: float) -> str:
        """Write both ends of an interval with their unit."""
        return f"{self.digits(low)} to {self.shown(high)}"

    def label(self, quantity: str) -> str:
        """Label an axis or a column."""
        return f"{quantity} ({self.symbol})" if self.symbol else quantity


def _prefixed(symbol: str, prefixes: str, first: float) -> tuple[Unit, ...]:
    """Return units a thousand times apart, from the smallest; a dot stands for no prefix."""
    return tuple(Unit(prefix.strip(".") + symbol, first * 1000**power) for power, prefix in enumerate(prefixes))


# units by that of the records, from the smallest
UNITS = {
    "kWh": (*_prefixed("J", "µm.", 1e-6 / JOULES_PER_KWH), *_prefixed("Wh", ".kMG", 1e-3)),
    "s": (*_prefixed("s", "µm.", 1e-6), Unit("min", 60), Unit("h", 3600)),
    "W": _prefixed("W", "m.kM", 1e-3),
    "kg CO2e": (*_prefixed("g CO2e", "µm.k", 1e-9), Unit("t CO2e", 1e3)),
    "FLOP": _prefixed("FLOP", ".kMGTPE", 1),
    "B": _prefixed("B", ".kMGTP", 1),
    "": _prefixed("", ".kMG", 1),
}


def unit(of_records: str, values: Iterable[Any]) -> Unit:
    """Choose one unit for all values of a column, an axis or a sentence.

    It is the largest in which the middle value (the median of those above 0) is at least 1, so that a single value far
    from the others decides nothing.

    Args:
        of_records: unit that the values are in, one of `UNITS`.
        values: numbers, of which some may be missing.
    """
    units = UNITS[of_records]
    above_zero = [float(value) for value in values if not is_missing(value) and value > 0]
    if not above_zero:
        return next(unit for unit in units if unit.size == 1)
    # a middle of 1 to all digits that are shown is 1
    middle = float(f"{median(above_zero):.3g}")
    return next((unit for unit in reversed(units) if middle >= unit.size * (1 - 1e-9)), units[0])


def unit_of_linear_axis(of_records: str, values: Iterable[Any]) -> Unit:
    """Choose the unit of an axis from 0, on which people read the largest values; arguments as of `unit`."""
    return unit(of_records, [max((value for value in values if not is_missing(value)), default=0)])


def shown(value: float, of_records: str) -> str:
    """Write a value that stands alone, in the unit that suits it."""
    return unit(of_records, [value]).shown(value)


def digits(value: float | None) -> str:
    """Write a number with three significant digits; nothing where it is missing."""
    if is_missing(value):
        return ""
    text = f"{value:.3g}"
    rounded = float(text)
    return f"{rounded:,.0f}" if "e+" in text and abs(rounded) < LARGEST_IN_FULL else text


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Write how many things there are, such as `1 row` and `2 rows`.

    Args:
        number: how many.
        noun: what they are; a verb may follow, such as `file was`.
        nouns: the same for several, by default with an `s`.
    """
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def is_missing(value: Any) -> bool:
    """Tell whether a value of a table is absent: None, NaN or the missing value of pandas, none of which is itself."""
    return value is None or not _is_itself(value)


def _is_itself(value: Any) -> bool:
    # comparing pandas' missing value with itself gives no truth value
    try:
        return bool(value == value)
    except TypeError:
        return False
