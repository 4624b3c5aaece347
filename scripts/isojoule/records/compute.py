"""The compute record of an architecture: what its training and its use take, counted once and without a GPU."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from isojoule.records.base import Count, PositiveCount, Quantity, Record, Text
from isojoule.records.reading import read_record


class ComputeRecord(Record):
    """Parameters, FLOPs of one example and bytes of one training step of one architecture."""

    MADE_BY: ClassVar[str] = "isojoule count-compute"

    record: Literal["compute"] = "compute"
    schema_version: Literal[1] = 1
    workload: Text
    architecture: Text
    family: Text
    parameters: Count
    deepspeed_forward_flops: Count | None = Field(
        description="One example, by DeepSpeed: the published count; none where DeepSpeed cannot count the model."
    )
    forward_flops: Count = Field(description="One example, matrix and convolution work only, exact.")
    backward_flops: Count = Field(description="One example, matrix and convolution work only, exact.")
    training_flops_published: Count | None = Field(description="3 x deepspeed_forward_flops, the papers' rule.")
    training_flops_exact: Count = Field(description="forward_flops + backward_flops.")
    weights_bytes: Count
    gradients_bytes: Count
    optimizer_state_bytes: Count
    activations_bytes: Count = Field(
        description="What a batch keeps for the backward pass, without the model's own tensors."
    )
    batch_size: PositiveCount
    precision: Literal["fp32"] = "fp32"
    duration_s: Quantity = Field(description="How long the counting took.")
    peak_memory_bytes: PositiveCount = Field(description="Most memory of the process that counted.")
    software: dict[Text, Text] = Field(description="Versions by name of the package.")
    configuration_fingerprint: Text = Field(description="Hash of the configuration's part that decided this record.")

    @model_validator(mode="after")
    def _training_follows_from_the_counts(self) -> "ComputeRecord":
        published = self.deepspeed_forward_flops
        if self.training_flops_published != (None if published is None else 3 * published):
            raise ValueError("training_flops_published is not 3 x deepspeed_forward_flops")
        if self.training_flops_exact != self.forward_flops + self.backward_flops:
            raise ValueError("training_flops_exact is not forward_flops + backward_flops")
        return self


def read(path: Path) -> ComputeRecord:
    """Read the compute record in `path`.

    Raises:
        InputError: the file is not a compute record of a known schema; the message names file and field.
    """
    return read_record(path, ComputeRecord)
