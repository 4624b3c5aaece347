"""Errors that users see as one sentence without a traceback, and errors that are outcomes of a measurement."""

# exit code of a command whose time budget was too short, so that it must be called again (EX_TEMPFAIL of sysexits.h)
OVER_BUDGET = 75


class InputError(Exception):
    """The user's input is wrong; the message names the key or file, what was found and what was expected."""


class StoppedError(BaseException):
    """The program received SIGTERM, since its job was cancelled, preempted or over time."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the GPU or the host had no memory left, which is an outcome of a measurement, not a failure."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )
