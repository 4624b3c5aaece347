"""Tables: the measurements of a study, tables of others, and what is aggregated from them."""
