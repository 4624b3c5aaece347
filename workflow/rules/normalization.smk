"""Measurements go in; held-out errors of all methods of normalization, their ranking, and references come out."""

NORMALIZATION = STUDY.normalization
SEED = f"--seed {NORMALIZATION.seed}"
KINDS = f"--kinds {' '.join(NORMALIZATION.kinds)}" if NORMALIZATION.kinds else ""


rule evaluate_normalization:
    input:
        MEASUREMENTS,
    output:
        f"{RESULTS}/normalization/errors.parquet",
    log:
        f"{RESULTS}/logs/evaluate_normalization.log",
    # figures and the report wait for it, and it would wait until all cores of a small machine are free
    priority: 1
    threads: 4
    params:
        options=f"--scheme {NORMALIZATION.splits.scheme} --splits {NORMALIZATION.splits.number} {SEED}"
        f" --draws {NORMALIZATION.draws} {KINDS}",
        code=code_fingerprint.fingerprint(
            "isojoule.cli.evaluate_normalization", every_module=True
        ),
    shell:
        "isojoule evaluate-normalization {input} {params.options} --workers {threads} --allow-empty"
        " --output {output} 2>&1 | tee {log}"


rule evaluate_mixed:
    input:
        MEASUREMENTS,
    output:
        f"{RESULTS}/normalization/mixed.parquet",
    log:
        f"{RESULTS}/logs/evaluate_mixed.log",
    params:
        options=f"{SEED} --draws {NORMALIZATION.draws} {KINDS}",
        code=code_fingerprint.fingerprint(
            "isojoule.cli.evaluate_mixed", every_module=True
        ),
    shell:
        "isojoule evaluate-mixed {input} {params.options} --allow-empty"
        " --output {output} 2>&1 | tee {log}"


rule rank_normalization:
    input:
        f"{RESULTS}/normalization/errors.parquet",
    output:
        report(
            f"{RESULTS}/normalization/ranking.csv",
            caption="../report/ranking.rst",
            category="Normalization",
            labels={"what": "Ranking of methods"},
        ),
    log:
        f"{RESULTS}/logs/rank_normalization.log",
    params:
        code=code_fingerprint.fingerprint(
            "isojoule.cli.rank_normalization", every_module=True
        ),
    shell:
        "isojoule rank-normalization {input} --output {output} 2>&1 | tee {log}"


rule choose_references:
    input:
        MEASUREMENTS,
    output:
        report(
            f"{RESULTS}/normalization/references.csv",
            caption="../report/references.rst",
            category="Normalization",
            labels={"what": "References to publish"},
        ),
    log:
        f"{RESULTS}/logs/choose_references.log",
    params:
        options=f"--error-percent {NORMALIZATION.error_percent} {SEED} {KINDS}",
        code=code_fingerprint.fingerprint(
            "isojoule.cli.choose_references", every_module=True
        ),
    shell:
        "isojoule choose-references {input} {params.options} --allow-empty"
        " --output {output} 2>&1 | tee {log}"
