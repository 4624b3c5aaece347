"""Try a board: what its counter and its power show of work whose times are known."""
