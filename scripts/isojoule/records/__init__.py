"""The records that the stages write as JSON, with one schema for each kind."""

from isojoule.records.certificate import Certificate
from isojoule.records.compute import ComputeRecord
from isojoule.records.measurement import ExtractionRecord, MeasurementRecord
from isojoule.records.reading import read_record

__all__ = ["Certificate", "ComputeRecord", "ExtractionRecord", "MeasurementRecord", "read_record"]
