"""Measurements go in, and fronts of quality against every cost come out; beside them the numbers of papers."""

PARETO = STUDY.pareto
PUBLISHED = Path(isojoule.__file__).parent / "literature" / "published"


rule compare_fronts:
    input:
        MEASUREMENTS,
    output:
        report(
            expand(
                f"{RESULTS}/pareto/{{table}}.csv",
                table=("fronts", "summary", "stability"),
            ),
            caption="../report/fronts.rst",
            category="Quality and energy",
            labels={"what": "Fronts"},
        ),
    log:
        f"{RESULTS}/logs/compare_fronts.log",
    # figures wait for it
    priority: 1
    params:
        options=f"--qualities {' '.join(PARETO.qualities)} --draws {PARETO.draws}"
        f" --seed {PARETO.seed} {KINDS}"
        + (f" --target {PARETO.normalize_to}" if PARETO.normalize_to else ""),
        code=code_fingerprint.fingerprint(
            "isojoule.cli.compare_fronts", every_module=True
        ),
    shell:
        "isojoule compare-fronts {input} {params.options}"
        f" --output {RESULTS}/pareto 2>&1 | tee {{log}}"


rule literature:
    output:
        training=report(
            f"{RESULTS}/literature/training.csv",
            caption="../report/literature.rst",
            category="Published numbers",
            labels={"what": "Training costs"},
        ),
        waveflow=report(
            f"{RESULTS}/literature/waveflow.csv",
            caption="../report/literature.rst",
            category="Published numbers",
            labels={"what": "Fronts of WaveFlow"},
        ),
    log:
        f"{RESULTS}/logs/literature.log",
    params:
        tables=[
            reruns.fingerprint(table.read_text())
            for table in sorted(PUBLISHED.glob("*.csv"))
        ],
        code=code_fingerprint.fingerprint("isojoule.cli.literature", every_module=True),
    shell:
        f"isojoule literature --output {RESULTS}/literature 2>&1 | tee {{log}}"
