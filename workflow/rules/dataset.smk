"""Audio and labels go in, and a checked manifest and the features come out, on the CPU and once per study."""


rule prepare_dataset:
    output:
        f"{RESULTS}/dataset/manifest.tsv",
    log:
        f"{RESULTS}/logs/prepare_dataset.log",
    # everything that is measured waits for the data
    priority: 3
    params:
        settings=STUDY.dataset_settings(),
        code=reruns.dataset_code(STUDY),
    shell:
        f"isojoule prepare-dataset --config {CONFIGURATION} --output {RESULTS}/dataset 2>&1 | tee {{log}}"


rule extract_features:
    input:
        f"{RESULTS}/dataset/manifest.tsv",
    output:
        multiext(
            f"{RESULTS}/features/",
            *STUDY.FEATURES,
            "statistics.json",
            "record.json",
        ),
    log:
        f"{RESULTS}/logs/extract_features.log",
    threads: 8
    params:
        settings=reruns.features_slice(STUDY),
        code=reruns.features_code(STUDY),
    shell:
        f"isojoule extract-features --config {CONFIGURATION} --dataset {RESULTS}/dataset"
        f" --output {RESULTS}/features --workers {{threads}} 2>&1 | tee {{log}}"
