"""List the GPUs that a CUDA program would see here, without waking up any of them.

The CUDA driver itself is asked, since CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER and containers decide what it shows, and
its order is not NVML's. This asks in a process of its own: a context of this one would cost memory and power.
"""

import ctypes
import subprocess
import sys
import uuid

LIBRARY = "libcuda.so.1"
# what the driver answers where there is no GPU, or where CUDA_VISIBLE_DEVICES names none
NO_DEVICE = 100
PATIENCE_S = 60


def visible_uuids() -> list[str]:
    """Return the UUIDs of the boards that CUDA programs see, in CUDA's order; none where there is no CUDA driver.

    Raises:
        RuntimeError: there is a driver, but it does not answer; the message says why.
    """
    try:
        asked = subprocess.run(
            [sys.executable, __file__], capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the CUDA driver did not answer in {PATIENCE_S} s") from error
    if asked.returncode:
        raise RuntimeError(asked.stderr.strip().rpartition("\n")[2] or f"exit code {asked.returncode}")
    return asked.stdout.split()


def _asked() -> list[str]:
    """Ask the driver, in this process."""
    try:
        cuda = ctypes.CDLL(LIBRARY)
    except OSError:
        return []
    code = cuda.cuInit(0)
    if code == NO_DEVICE:
        return []
    count = ctypes.c_int()
    code = code or cuda.cuDeviceGetCount(ctypes.byref(count))
    uuids = []
    for number in range(count.value):
        device, octets = ctypes.c_int(), (ctypes.c_ubyte * 16)()
        # the first version names the board where the second names an instance of it (MIG)
        code = (
            code or cuda.cuDeviceGet(ctypes.byref(device), number) or cuda.cuDeviceGetUuid(ctypes.byref(octets), device)
        )
        uuids.append(f"GPU-{uuid.UUID(bytes=bytes(octets))}")
    if code:
        sys.exit(f"the CUDA driver answered with error {code}")
    return list(dict.fromkeys(uuids))


if __name__ == "__main__":
    print("\n".join(_asked()))
