"""An architecture goes in, and the counts of its parameters, FLOPs and bytes come out, on the CPU."""


rule count_compute:
    output:
        f"{RESULTS}/compute/{{architecture}}.json",
    log:
        f"{RESULTS}/logs/count_compute/{{architecture}}.log",
    # what cannot be counted is known before anything is measured
    priority: 2
    resources:
        mem_mb=6000,
    params:
        architecture=lambda wildcards: vars(ARCHITECTURES[wildcards.architecture]),
        settings=STUDY.compute_settings(),
        code=lambda wildcards: reruns.compute_code(
            STUDY, ARCHITECTURES[wildcards.architecture]
        ),
    shell:
        f"isojoule count-compute --config {CONFIGURATION} --architecture {{wildcards.architecture}}"
        " --output {output} 2>&1 | tee {log}"
