"""Features go in, and one record per cell comes out. One job measures all cells of a GPU and repeat, on that GPU."""

SLICES = {gpu: reruns.block_slice(STUDY, gpu, ARCHITECTURES) for gpu in STUDY.gpus}


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
        **SLURM_RESOURCES,
        slurm_partition=partition,
    params:
        slice=lambda wildcards: SLICES[wildcards.gpu],
        code=MEASURING_CODE,
    shell:
        f"isojoule measure --config {CONFIGURATION} --gpu {{wildcards.gpu}} --repeat {{wildcards.repeat}}"
        f" --results {RESULTS} 2>&1 | tee {{log}}"
