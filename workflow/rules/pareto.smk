"""Measurements in; fronts of quality against every cost, and what papers published, out. On the CPU, without torch."""

OF_FRONTS = config["pareto"]
PUBLISHED = "$ISOJOULE_SCRIPTS/../reference/published"


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
    params:
        options=f"--qualities {' '.join(OF_FRONTS['qualities'])} --draws {OF_FRONTS['draws']}"
        f" --seed {OF_FRONTS['seed']} {KINDS}"
        + (
            f" --normalize-to {OF_FRONTS['normalize_to']}"
            if "normalize_to" in OF_FRONTS
            else ""
        ),
        code=code.fingerprint("compare_fronts.py", every_module=True),
    shell:
        "python $ISOJOULE_SCRIPTS/compare_fronts.py {input} {params.options}"
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
            cells.fingerprint(
                (SCRIPTS.parent / "reference/published" / table).read_text()
            )
            for table in ("training.csv", "waveflow.csv")
        ],
        code=code.fingerprint(
            "estimate_training.py", "find_front.py", every_module=True
        ),
    shell:
        f"(python $ISOJOULE_SCRIPTS/estimate_training.py {PUBLISHED}/training.csv --output {{output.training}}"
        f" && python $ISOJOULE_SCRIPTS/find_front.py {PUBLISHED}/waveflow.csv --kinds measured estimated"
        " --minimize energy_kwh one_minus_mos --output {output.waveflow}) 2>&1 | tee {log}"
