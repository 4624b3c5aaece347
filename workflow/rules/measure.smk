"""Features and a cell in; one record out, and from training the weights that its test needs. On the pinned GPU."""


def cell_slice(phase):
    """The part of the configuration that decides a cell, as a parameter: when it changes, the cell runs again."""
    return lambda wildcards: cells.cell_slice(
        config,
        cells.Cell(wildcards.gpu, wildcards.architecture, phase, int(wildcards.repeat)),
        ARCHITECTURES,
    )


def gpu_entry(key):
    """A key of the GPU's entry in the configuration."""
    return lambda wildcards: config["gpus"][wildcards.gpu].get(key, "")


rule train:
    input:
        FEATURES,
    output:
        record=f"{RESULTS}/records/{{gpu}}/{{architecture}}/train-{{repeat}}.json",
        checkpoint=temp(CHECKPOINT),
    params:
        slice=cell_slice("train"),
    log:
        f"{RESULTS}/logs/train/{{gpu}}/{{architecture}}-{{repeat}}.log",
    resources:
        slurm_partition=gpu_entry("partition"),
        gres=gpu_entry("gres"),
        attempt=lambda wildcards, attempt: attempt,
    shell:
        "{PYTHON} {SCRIPTS}/train.py --config {CONFIGURATION} --gpu {wildcards.gpu}"
        " --architecture {wildcards.architecture} --repeat {wildcards.repeat} --features {RESULTS}/features"
        " --checkpoint {output.checkpoint} --attempt {resources.attempt} --output {output.record} 2>&1 | tee {log}"


rule test:
    input:
        features=FEATURES,
        checkpoint=CHECKPOINT if "train" in config["phases"] else [],
    output:
        record=f"{RESULTS}/records/{{gpu}}/{{architecture}}/test-{{repeat}}.json",
    params:
        slice=cell_slice("test"),
        checkpoint=lambda wildcards, input: f"--checkpoint {input.checkpoint}" if input.checkpoint else "",
    log:
        f"{RESULTS}/logs/test/{{gpu}}/{{architecture}}-{{repeat}}.log",
    # a test frees the checkpoint of its training
    priority: 1
    resources:
        slurm_partition=gpu_entry("partition"),
        gres=gpu_entry("gres"),
        attempt=lambda wildcards, attempt: attempt,
    shell:
        "{PYTHON} {SCRIPTS}/test.py --config {CONFIGURATION} --gpu {wildcards.gpu}"
        " --architecture {wildcards.architecture} --repeat {wildcards.repeat} --features {RESULTS}/features"
        " {params.checkpoint} --attempt {resources.attempt} --output {output.record} 2>&1 | tee {log}"
