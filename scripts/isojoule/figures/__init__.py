"""The figures of a study, one module each, with their captions in `captions` and their helpers in `shared`."""
