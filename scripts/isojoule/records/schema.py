"""The JSON schema of all records."""

from typing import Any

from pydantic import TypeAdapter

from isojoule.records import Certificate, ComputeRecord, ExtractionRecord, MeasurementRecord, RunRecord
from isojoule.records.challenge import Kit, Submission


def schema() -> dict[str, Any]:
    """Make the JSON schema of any record."""
    adapter: TypeAdapter[object] = TypeAdapter(
        MeasurementRecord | ComputeRecord | ExtractionRecord | Certificate | RunRecord | Kit | Submission
    )
    return {"title": "Record", **adapter.json_schema()}
