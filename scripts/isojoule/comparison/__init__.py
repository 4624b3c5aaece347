"""Compare two studies, or two states of one: which energies differ, and what else differs between them."""
