"""Tables and figures go in, and what they say in sentences and one HTML page come out, which needs no network."""

import shlex

PAGE = Path(isojoule.__file__).parent / "report" / "template"


rule tabulate_findings:
    input:
        measurements=MEASUREMENTS,
        tables=[
            f"{RESULTS}/pareto/fronts.csv",
            f"{RESULTS}/compute-energy/explained.csv",
            *([f"{RESULTS}/normalization/references.csv"] if NORMALIZABLE else []),
        ],
    output:
        f"{RESULTS}/findings.csv",
    log:
        f"{RESULTS}/logs/tabulate_findings.log",
    params:
        code=code_fingerprint.fingerprint(
            "isojoule.cli.tabulate_findings", every_module=True
        ),
    shell:
        f"isojoule tabulate-findings {{input.measurements}} --results {RESULTS}"
        " --tables {input.tables} --output {output} 2>&1 | tee {log}"


rule write_report:
    input:
        measurements=MEASUREMENTS,
        tables=expand(f"{RESULTS}/{{table}}.csv", table=TABLES),
        errors=[f"{RESULTS}/normalization/errors.parquet"] if NORMALIZABLE else [],
        figures=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=FIGURES),
        extraction=f"{RESULTS}/features/record.json",
        compared_with=STUDY.report.compared_with or [],
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/write_report.log",
    params:
        code=code_fingerprint.fingerprint("isojoule.cli.report", every_module=True),
        options=shlex.join(
            [
                *(
                    ["--compared-with", STUDY.report.compared_with]
                    if STUDY.report.compared_with
                    else []
                ),
                *(["--url", STUDY.report.url] if STUDY.report.url else []),
            ]
        ),
        page=[reruns.fingerprint(path.read_text()) for path in sorted(PAGE.iterdir())],
    shell:
        f"isojoule report {{input.measurements}} --results {RESULTS}"
        f" --config {CONFIGURATION} {{params.options}}"
        " --extraction {input.extraction} --tables {input.tables} {input.errors} --figures {input.figures}"
        " --output {output} 2>&1 | tee {log}"
