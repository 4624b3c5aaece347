"""Draw the figures of a study: one module each, with their captions in `captions` and what they share in `shared`."""
