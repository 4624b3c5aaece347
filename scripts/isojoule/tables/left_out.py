"""What records hold and the table of measurements leaves out, each with the reason.

The keys are paths as those of `columns.COLUMNS`; a path stands for all that lies below it. A test holds the records
against both lists, so that a new field of a record is either a column or here.
"""

OF_THE_STUDY = "it is the same for every cell of the study, and stands in the study's configuration"
OF_THE_FILE = "it tells a reader of the JSON file what the file is"
CHECKED = "every record whose fingerprint is another one has been refused"
SAME_MACHINE = "it tells which machine it was; the record has it for whoever asks"
READING = "the table has this of the component that computes, whose energy is the cell's"
OTHER_VERSION = "the table has the versions that decide the numbers most; the record has every one"

LEFT_OUT = {
    "record.record": OF_THE_FILE,
    "record.schema_version": OF_THE_FILE,
    "record.message": "it is a sentence on what went wrong, which `isojoule status` shows",
    "record.seed": "it is the seed of the study's configuration plus `repeat`",
    "record.settings.optimizer": OF_THE_STUDY,
    "record.settings.learning_rate": OF_THE_STUDY,
    "record.settings.segment_frames": OF_THE_STUDY,
    "record.energy.gpu.source": READING,
    "record.energy.gpu.kind": READING,
    "record.energy.gpu.uncertainty_kwh": READING,
    "record.energy.cpu.source": READING,
    "record.energy.cpu.uncertainty_kwh": READING,
    "record.energy.ram.source": READING,
    "record.energy.ram.uncertainty_kwh": READING,
    "record.energy.why_no_rapl": "it is a sentence for whoever sees in `cpu_energy_kind` that the CPU was estimated",
    "record.energy.integrated_power.source": "it is always the sampled power of the GPU",
    "record.energy.integrated_power.kind": "it is always measured",
    "record.energy.integrated_power.uncertainty_kwh": READING,
    "record.energy.codecarbon.version": "`codecarbon` is the same",
    "record.energy.codecarbon.ram_energy_kwh": "it is a constant per memory module, times `duration_s`",
    "record.energy.codecarbon.total_energy_kwh": "it is the sum of CodeCarbon's figures for GPU, CPU and memory",
    "record.energy.window.repetition_energies_kwh": "it is a list; the interval and the flag unsteady follow from it",
    "record.energy.window.instrument_period_s": "`resolution_percent` times `window_s` is the same",
    "record.extrapolated": "the table extrapolates by its own configuration, which may ask for another length",
    "record.gpu_statistics.samples": "`window_s` over the period of sampling tells it",
    "record.gpu_statistics.period_s": OF_THE_STUDY,
    "record.gpu_statistics.power_w": "`power_w` is the mean power by the deciding instrument",
    "record.gpu_statistics.memory_clock_mhz": "the trace of the window has it",
    "record.gpu_statistics.foreign_processes": "the flags shared-device and company-unknown follow from it",
    "record.flags": "`flags` follow from the facts of the record, and have those that its workload gave it",
    "record.hardware.cpu_cores": SAME_MACHINE,
    "record.hardware.memory_bytes": SAME_MACHINE,
    "record.hardware.gpu.nvml_index": SAME_MACHINE,
    "record.hardware.gpu.power_limit_w": SAME_MACHINE,
    "record.hardware.gpu.memory_bytes": SAME_MACHINE,
    "record.hardware.gpu.counter_period_s": "the flag unchecked and `resolution_percent` follow from it",
    "record.hardware.gpu.power": "`energy_source` tells how the energy was read",
    "record.hardware.gpu.power_period_s": "`resolution_percent` follows from it",
    "record.hardware.gpu.mig": SAME_MACHINE,
    "record.provenance.configuration_fingerprint": CHECKED,
    "record.provenance.code_fingerprint": CHECKED,
    "record.provenance.data_fingerprint": CHECKED,
    "record.provenance.failed_attempts": "the flag attempt-above-1 follows from it",
    "record.provenance.slurm": "it tells which job it was; `hostname` has the node",
    "record.provenance.software.system": OTHER_VERSION,
    "record.provenance.software.cudnn": OTHER_VERSION,
    "record.provenance.software.nvidia-ml-py": OTHER_VERSION,
    "record.provenance.software.numpy": OTHER_VERSION,
    "record.provenance.software.soundfile": OTHER_VERSION,
    "record.provenance.software.soxr": OTHER_VERSION,
    "record.provenance.software.scikit-learn": OTHER_VERSION,
    "record.provenance.software.snakemake": OTHER_VERSION,
    "compute.record": OF_THE_FILE,
    "compute.schema_version": OF_THE_FILE,
    "compute.workload": "`workload` is the same",
    "compute.architecture": "`architecture` is the same",
    "compute.family": "`family` is the same",
    "compute.gradients_bytes": "gradients take as much as the weights that are trained",
    "compute.batch_size": OF_THE_STUDY,
    "compute.precision": "it is always fp32",
    "compute.duration_s": "it is of the counting, which nobody compares",
    "compute.peak_memory_bytes": "it is of the counting, which nobody compares",
    "compute.software": OTHER_VERSION,
    "compute.configuration_fingerprint": "the workflow counts an architecture again where its configuration changes",
}
