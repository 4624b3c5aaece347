"""The commands of `isojoule challenge`, one module each."""
