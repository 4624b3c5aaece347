"""Audio and labels in; a checked manifest and one array of features out. On the CPU, once per study."""


rule prepare_dataset:
    output:
        f"{RESULTS}/dataset/manifest.tsv",
    log:
        f"{RESULTS}/logs/prepare_dataset.log",
    params:
        dataset=config["dataset"],
    shell:
        f"python $SCRIPTS/prepare_dataset.py --config {CONFIGURATION} --output {RESULTS}/dataset 2>&1 | tee {{log}}"


rule extract_features:
    input:
        f"{RESULTS}/dataset/manifest.tsv",
    output:
        FEATURES,
        f"{RESULTS}/features/record.json",
    log:
        f"{RESULTS}/logs/extract_features.log",
    threads: workflow.cores
    params:
        mel=config["mel"],
    shell:
        f"python $SCRIPTS/extract_features.py --config {CONFIGURATION} --dataset {RESULTS}/dataset"
        f" --output {RESULTS}/features --workers {{threads}} 2>&1 | tee {{log}}"
