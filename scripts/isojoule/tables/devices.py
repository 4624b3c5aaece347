"""Which devices the rows of a table of measurements are of."""

import pandas as pd


def only_device(rows: pd.DataFrame) -> str:
    """Name the device that all rows are of; nothing where there are several, or a row does not tell.

    Args:
        rows: of a table of measurements.
    """
    if rows[["device_name", "hostname"]].isna().any(axis=None):
        return ""
    devices = rows[["device_name", "hostname", "device_uuid"]].drop_duplicates()
    return str(devices["device_name"].iloc[0]) if len(devices) == 1 else ""
