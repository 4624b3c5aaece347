"""Errors that users see as one sentence without a traceback, and errors that are outcomes of a measurement."""

# exit code of a command whose time budget was too short, so that it must be called again (EX_TEMPFAIL of sysexits.h)
OVER_BUDGET = 75


class InputError(Exception):
    """The user's input is wrong; the message names the key or file, what was found and what was expected."""


class CompanyError(InputError):
    """Others take what a measurement needs for itself; another attempt may find it free."""


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


def may_be_out_of_memory(error: BaseException) -> bool:
    """Return whether a library failed in words that stand for a lack of memory among other things."""
    text = str(error).upper()
    return any(
        word in text
        for word in (
            "CUDNN_STATUS_ALLOC_FAILED",
            "CUDNN_STATUS_INTERNAL_ERROR",
            "CUDNN_STATUS_NOT_INITIALIZED",
            "CUBLAS_STATUS_ALLOC_FAILED",
            "CUBLAS_STATUS_NOT_INITIALIZED",
            "CUBLAS_STATUS_INTERNAL_ERROR",
            "CUFFT_ALLOC_FAILED",
            "CUFFT_INTERNAL_ERROR",
        )
    )
