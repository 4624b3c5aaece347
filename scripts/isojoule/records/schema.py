"""Print the JSON schema of all records: python -m isojoule.records."""

import json

from pydantic import TypeAdapter

from isojoule.records import ComputeRecord, ExtractionRecord, MeasurementRecord


def schema() -> str:
    """The JSON schema of any record, as text."""
    adapter: TypeAdapter[object] = TypeAdapter(MeasurementRecord | ComputeRecord | ExtractionRecord)
    return json.dumps({"title": "Record", **adapter.json_schema()}, indent=2)


if __name__ == "__main__":
    print(schema())
