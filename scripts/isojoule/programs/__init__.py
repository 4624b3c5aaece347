"""Programs of anybody, measured from their start to their end, and parts of them."""
