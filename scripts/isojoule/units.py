"""The factor between the energy units of records (kWh) and instruments (J)."""

JOULES_PER_KWH = 3.6e6
