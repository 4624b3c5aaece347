"""The records: what a measuring stage writes and every other stage reads."""
