"""The records that the stages write as JSON, with one schema for each kind."""

from isojoule.records.certificate import Certificate
from isojoule.records.compute import ComputeRecord
from isojoule.records.measurement import ExtractionRecord, MeasurementRecord
from isojoule.records.reading import read_record
from isojoule.records.run import RunRecord

__all__ = ["Certificate", "ComputeRecord", "ExtractionRecord", "MeasurementRecord", "RunRecord", "read_record"]
