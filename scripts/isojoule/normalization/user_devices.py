"""The references and the systems of a user are of one GPU: only then do the first tell what the second would use."""

import pandas as pd

from isojoule.errors import InputError

# what a row says of the device that it was measured on
OF_A_DEVICE = ("device_name", "devices")


def check_one_device(references: pd.DataFrame, systems: pd.DataFrame, origins: tuple[str, str]) -> list[str]:
    """Refuse systems of another device than the references, and ask about other names of platforms.

    Args:
        references: rows of the references, with any of the columns `device_name`, `devices` and `gpu`.
        systems: rows of the systems.
        origins: what both are called in messages.

    Returns:
        sentences to show the user.

    Raises:
        InputError: rows say that they were measured on several devices, or on another number of them.
    """
    known = {column: _values(references, column) for column in OF_A_DEVICE}
    for frame, origin in ((references, origins[0]), (systems, origins[1])):
        for column, expected in known.items():
            found = _values(frame, column)
            if len(found | expected) > 1 and found and expected:
                others = sorted(found - expected) or sorted(found)
                raise InputError(
                    f"{origin}: found {column} {' and '.join(others)}, expected "
                    f"{'one, as of one GPU' if len(expected) > 1 else f'{min(expected)} as of the references'}: "
                    "references tell of their own GPU alone"
                )
    # who gave no name to a platform has that of the device
    of_references, of_systems = (_values(frame, "gpu") - known["device_name"] for frame in (references, systems))
    if not of_references or not of_systems or of_references == of_systems:
        return []
    return [
        f"gpu: the references are of {' and '.join(sorted(of_references))}, the systems of "
        f"{' and '.join(sorted(of_systems))}; are both the same GPU with the same settings?"
    ]


def _values(frame: pd.DataFrame, column: str) -> set[str]:
    return set(frame[column].dropna().map(str)) if column in frame else set()
