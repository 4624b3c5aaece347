"""Features in; one record per cell out, all cells of a GPU and repeat in one job. On the pinned GPU."""

SLICES = {gpu: cells.block_slice(STUDY, gpu, ARCHITECTURES) for gpu in STUDY.gpus}


rule measure:
    input:
        f"{RESULTS}/features/statistics.json",
    output:
        [
            f"{RESULTS}/records/{{gpu}}/{architecture}/{phase}-{{repeat}}.json"
            for architecture in ARCHITECTURES
            for phase in PHASES
        ],
    log:
        f"{RESULTS}/logs/measure/{{gpu}}-{{repeat}}.log",
    priority: 1
    threads: gpu_entry("threads")
    resources:
        **ASKED,
        slurm_partition=partition,
    params:
        slice=lambda wildcards: SLICES[wildcards.gpu],
        code=MEASURING_CODE,
    shell:
        f"isojoule measure --config {CONFIGURATION} --gpu {{wildcards.gpu}} --repeat {{wildcards.repeat}}"
        f" --results {RESULTS} 2>&1 | tee {{log}}"
