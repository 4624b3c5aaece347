"""Ask NVML one question, and tell apart what its error codes mean: not offered, for a moment not answered, gone.

The codes are those of the nvml.h of CUDA 13. A code that is in no list below is an answer about this query alone.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import pynvml

from isojoule.errors import InputError

Answer = TypeVar("Answer")

# the board or the driver is no longer there; no later query will be answered
GONE = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
    pynvml.NVML_ERROR_GPU_IS_LOST,
    pynvml.NVML_ERROR_RESET_REQUIRED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
    pynvml.NVML_ERROR_GPU_NOT_FOUND,
}
# seen to pass: a later query may be answered
PASSING = {
    pynvml.NVML_ERROR_TIMEOUT,
    pynvml.NVML_ERROR_IRQ_ISSUE,
    pynvml.NVML_ERROR_OPERATING_SYSTEM,
    pynvml.NVML_ERROR_IN_USE,
    pynvml.NVML_ERROR_MEMORY,
    pynvml.NVML_ERROR_INSUFFICIENT_RESOURCES,
    pynvml.NVML_ERROR_NOT_READY,
    pynvml.NVML_ERROR_UNKNOWN,
}
TRIES = 4
PAUSE_S = 0.005


class GoneError(InputError):
    """The GPU no longer answers, and no later query will be answered."""


class UnansweredError(InputError):
    """The driver did not answer, several times; a later query may be answered."""


def asked(query: Callable[[], Answer], device: str) -> Answer | None:
    """Return the driver's answer; none where it does not offer this, or does not let us ask.

    A query that the driver does not answer for a moment is asked again, up to `TRIES` times.

    Args:
        query: calls the binding.
        device: how a message names the GPU.

    Raises:
        GoneError: the GPU is lost, or the driver is.
        UnansweredError: the driver did not answer.
    """
    for number in range(TRIES):
        try:
            return query()
        except pynvml.NVMLError as error:
            if error.value in GONE:
                raise GoneError(f"{device}: no longer answers: {error}; nothing was measured") from error
            if error.value not in PASSING:
                return None
            if number == TRIES - 1:
                message = f"{device}: did not answer {TRIES} times: {error}; nothing was measured"
                raise UnansweredError(message) from error
        except pynvml.NVMLLibraryMismatchError:
            # the binding raises it, which is no NVMLError, for a function that the driver does not have
            return None
        time.sleep(PAUSE_S)
    raise AssertionError("the last try returns or raises")


def optional(query: Callable[[], Answer], device: str) -> Answer | None:
    """Return the driver's answer to a question that nothing depends on; none where there is no answer to be had."""
    try:
        return asked(query, device)
    except UnansweredError:
        return None


def text(query: Callable[[], str | bytes], device: str) -> str | None:
    """Return a name that the driver gives; bytes that are no UTF-8 are shown as they are."""

    def decoded() -> str:
        try:
            value = query()
        except UnicodeDecodeError as error:
            value = bytes(error.object)
        return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value

    return optional(decoded, device)
