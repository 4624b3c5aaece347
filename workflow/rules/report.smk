"""Tables and figures in; one HTML page out, which needs no network."""

REPORT = SCRIPTS / "isojoule/report/page"


rule write_report:
    input:
        measurements=MEASUREMENTS,
        tables=[
            f"{RESULTS}/{table}"
            for table in (
                "tables/flags.csv",
                *(f"compute-energy/{name}.csv" for name in LINKS),
                *(f"pareto/{name}.csv" for name in ("fronts", "summary", "stability")),
                *(
                    ("normalization/ranking.csv", "normalization/references.csv")
                    if NORMALIZABLE
                    else ()
                ),
                *(f"literature/{name}.csv" for name in ("training", "waveflow")),
            )
        ],
        errors=[f"{RESULTS}/normalization/errors.parquet"] if NORMALIZABLE else [],
        figures=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=FIGURES),
        extraction=f"{RESULTS}/features/record.json",
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/write_report.log",
    params:
        code=code.fingerprint("write_report.py", every_module=True),
        page=[cells.fingerprint(path.read_text()) for path in sorted(REPORT.iterdir())],
    shell:
        f"python $ISOJOULE_SCRIPTS/write_report.py {{input.measurements}} --results {RESULTS}"
        " --extraction {input.extraction} --tables {input.tables} {input.errors} --figures {input.figures}"
        " --output {output} 2>&1 | tee {log}"
