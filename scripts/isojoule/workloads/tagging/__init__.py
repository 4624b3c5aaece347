"""Audio tagging: which sound events are in a clip (Douwes and Serizel, DCASE 2024, section 3)."""
