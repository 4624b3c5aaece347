"""Features and a cell in; one record out, and from training the weights that its test needs. On the pinned GPU."""


rule train:
    input:
        FEATURES,
    output:
        record=f"{RESULTS}/records/{{gpu}}/{{architecture}}/train-{{repeat}}.json",
        checkpoint=temp(CHECKPOINT),
    log:
        f"{RESULTS}/logs/train/{{gpu}}/{{architecture}}-{{repeat}}.log",
    resources:
        slurm_partition=gpu_entry("partition"),
        gres=gpu_entry("gres"),
        attempt=lambda wildcards, attempt: attempt,
    params:
        slice=cell_slice("train"),
    shell:
        f"python $SCRIPTS/train.py --config {CONFIGURATION} --gpu {{wildcards.gpu}}"
        f" --architecture {{wildcards.architecture}} --repeat {{wildcards.repeat}} --features {RESULTS}/features"
        " --checkpoint {output.checkpoint} --attempt {resources.attempt} --output {output.record} 2>&1 | tee {log}"


rule test:
    input:
        features=FEATURES,
        checkpoint=CHECKPOINT if "train" in config["phases"] else [],
    output:
        record=f"{RESULTS}/records/{{gpu}}/{{architecture}}/test-{{repeat}}.json",
    log:
        f"{RESULTS}/logs/test/{{gpu}}/{{architecture}}-{{repeat}}.log",
    # a test frees the checkpoint of its training
    priority: 1
    resources:
        slurm_partition=gpu_entry("partition"),
        gres=gpu_entry("gres"),
        attempt=lambda wildcards, attempt: attempt,
    params:
        slice=cell_slice("test"),
        checkpoint=lambda wildcards, input: (
            f"--checkpoint {input.checkpoint}" if input.checkpoint else ""
        ),
    shell:
        f"python $SCRIPTS/test.py --config {CONFIGURATION} --gpu {{wildcards.gpu}}"
        f" --architecture {{wildcards.architecture}} --repeat {{wildcards.repeat}} --features {RESULTS}/features"
        " {params.checkpoint} --attempt {resources.attempt} --output {output.record} 2>&1 | tee {log}"
