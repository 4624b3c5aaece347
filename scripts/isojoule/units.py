"""Units of energy that the records and instruments speak."""

JOULES_PER_KWH = 3.6e6
