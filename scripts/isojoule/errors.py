"""What is shown to the user as a sentence, without a traceback, and what is an outcome rather than an error."""

# EX_TEMPFAIL of sysexits.h, the exit code of a program that its time budget ended: the same command goes on
OVER_BUDGET = 75


class InputError(Exception):
    """What the user gave cannot be used; the message names the key or file, what was found and what was expected."""


class StoppedError(BaseException):
    """SIGTERM: the scheduler takes the machine back (cancelled, preempted, over time)."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the GPU or the host had no memory left: of a measurement that is an outcome, not a failure."""
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )
