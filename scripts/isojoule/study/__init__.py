"""A study: its configuration, cells, journal, status, expected cost, and the code that decides its measurements."""
