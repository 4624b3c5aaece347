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
    # a list that has grown since it was measured
    pynvml.NVML_ERROR_INSUFFICIENT_SIZE,
    pynvml.NVML_ERROR_TIMEOUT,
    pynvml.NVML_ERROR_IRQ_ISSUE,
    pynvml.NVML_ERROR_OPERATING_SYSTEM,
    pynvml.NVML_ERROR_IN_USE,
    pynvml.NVML_ERROR_MEMORY,
    pynvml.NVML_ERROR_NO_DATA,
    pynvml.NVML_ERROR_INSUFFICIENT_RESOURCES,
    pynvml.NVML_ERROR_NOT_READY,
    pynvml.NVML_ERROR_INVALID_STATE,
    pynvml.NVML_ERROR_UNKNOWN,
}
# the board, or the driver, has no such thing
LACKING = {pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}
# how often a reading is tried, and how long the first pause is; each pause is four times the one before
TRIES, PAUSE_S = 4, 0.002
# on arrival, time matters less than an answer
TRIES_ON_ARRIVAL = 7


class GoneError(InputError):
    """The GPU no longer answers, and no later query will be answered."""


class UnansweredError(InputError):
    """The driver did not answer, several times; a later query may be answered."""


def asked(query: Callable[[], Answer], device: str, *, tries: int = TRIES) -> Answer | None:
    """Return the driver's answer; none where it does not offer this, or does not let us ask.

    A query that the driver does not answer for a moment is asked again.

    Args:
        query: calls the binding.
        device: how a message names the GPU.
        tries: how often it is asked at most.

    Raises:
        GoneError: the GPU is lost, or the driver is.
        UnansweredError: the driver did not answer.
    """
    try:
        return _tried(query, tries)
    except pynvml.NVMLError as error:
        if error.value in GONE:
            raise GoneError(f"{device}: no longer answers: {error}; nothing was measured") from error
        if error.value in PASSING:
            raise UnansweredError(f"{device}: did not answer {tries} times: {error}; nothing was measured") from error
        return None
    except pynvml.NVMLLibraryMismatchError:
        # the binding raises it, which is no NVMLError, for a function that the driver does not have
        return None


def required(query: Callable[[], Answer], device: str) -> Answer:
    """Return the driver's answer to a question without which there is no GPU to speak of.

    Args:
        query: calls the binding.
        device: how a message names the GPU.

    Raises:
        InputError: there is no answer to be had.
    """
    try:
        return _tried(query, TRIES_ON_ARRIVAL)
    except (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError) as error:
        raise InputError(f"{device}: NVML cannot read it: {error}") from error


def optional(query: Callable[[], Answer], device: str, lacking: Answer | None = None) -> Answer | None:
    """Return the driver's answer to a question that nothing depends on; none where there is no answer to be had.

    It is none also where the driver says that the GPU is gone: a part of the driver may be, for this question alone. A
    reading that something depends on tells.

    Args:
        query: calls the binding.
        device: how a message names the GPU.
        lacking: the answer where the board, or the driver, says that it has no such thing; that is not unknown.
    """

    def answer() -> Answer | None:
        try:
            return query()
        except pynvml.NVMLError as error:
            if error.value in LACKING:
                return lacking
            raise

    try:
        return asked(answer, device)
    except (UnansweredError, GoneError):
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


def _tried(query: Callable[[], Answer], tries: int) -> Answer:
    """The answer, or the error of the last try; only an error that may pass is tried again."""
    pause_s = PAUSE_S
    for _ in range(tries - 1):
        try:
            return query()
        except pynvml.NVMLError as error:
            if error.value not in PASSING:
                raise
        time.sleep(pause_s)
        pause_s *= 4
    return query()


def patient(read: Callable[[], float | None]) -> Callable[[], float | None]:
    """Return a reading that is none where the driver does not answer for a moment.

    Args:
        read: reads a number, and raises `UnansweredError` where the driver does not answer.
    """

    def value() -> float | None:
        try:
            return read()
        except UnansweredError:
            return None

    return value
