"""The one exception that is shown to the user as a sentence, without a traceback."""


class InputError(Exception):
    """What the user gave cannot be used; the message names the key or file, what was found and what was expected."""
