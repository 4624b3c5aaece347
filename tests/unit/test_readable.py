"""People read one unit for numbers that stand together, with three significant digits."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isojoule import readable


@pytest.mark.parametrize(
    ("value", "of_records", "text"),
    [
        (3.67e-7, "kWh", "1.32 J"),
        (1 / 3.6e6, "kWh", "1 J"),
        (0.0009996, "kWh", "1 Wh"),
        (0.0025, "kWh", "2.5 Wh"),
        (81.6, "kWh", "81.6 kWh"),
        (1011.2, "kWh", "1.01 MWh"),
        (2e-14, "kWh", "0.072 µJ"),
        (0.0021, "s", "2.1 ms"),
        (59.4, "s", "59.4 s"),
        (90, "s", "1.5 min"),
        (36000, "s", "10 h"),
        (70, "W", "70 W"),
        (1200, "W", "1.2 kW"),
        (4_571_234, "", "4.57 M"),
        (5.4e9, "FLOP", "5.4 GFLOP"),
        (4096, "B", "4.1 kB"),
        (0.0356, "kg CO2e", "35.6 g CO2e"),
        (0, "kWh", "0 kWh"),
    ],
)
def test_a_number_that_stands_alone_has_the_unit_that_suits_it(value, of_records, text):
    assert readable.shown(value, of_records) == text


def test_a_column_has_one_unit_by_its_middle():
    energies_kwh = pd.Series([1e-7, 4e-7, np.nan, 5e-7, 900.0])
    unit = readable.unit("kWh", energies_kwh)
    assert unit.symbol == "J"
    assert [unit.digits(value) for value in energies_kwh] == ["0.36", "1.44", "", "1.8", "3.24e+09"]
    assert unit.label("Energy") == "Energy (J)"
    assert unit.between(1e-7, 4e-7) == "0.36 to 1.44 J"
    assert readable.unit("kWh", []).symbol == "kWh"
    assert readable.unit("kWh", pd.Series([pd.NA, 0.002], dtype="Float64")).symbol == "Wh"
    assert readable.UNITS[""][0].label("Parameters") == "Parameters"


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_what_is_missing_has_no_digits(missing):
    assert readable.digits(missing) == ""
    assert readable.UNITS["W"][0].digits(missing) == ""


@given(st.sampled_from(sorted(readable.UNITS)), st.floats(1e-12, 1e12))
def test_what_is_shown_is_the_value_to_three_digits(of_records, value):
    number, _, symbol = readable.shown(value, of_records).partition(" ")
    sizes = {unit.symbol: unit.size for unit in readable.UNITS[of_records]}
    assert float(number.replace(",", "")) * sizes[symbol] == pytest.approx(value, rel=5.1e-3)
    assert len(re.sub(r"e.*|[^0-9]", "", number).strip("0")) <= 3


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((0, "row"), "0 rows"),
        ((1, "row"), "1 row"),
        ((1720, "row"), "1,720 rows"),
        ((1, "file was", "files were"), "1 file was"),
        ((2, "file was", "files were"), "2 files were"),
    ],
)
def test_one_thing_is_counted_in_the_singular(words, text):
    assert readable.counted(*words) == text
