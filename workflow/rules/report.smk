"""Tables and figures in; one HTML page out, which needs no network."""


rule write_report:
    input:
        measurements=MEASUREMENTS,
        table=f"{RESULTS}/tables/energy.csv",
        flags=f"{RESULTS}/tables/flags.csv",
        claims=f"{RESULTS}/compute-energy/claims.csv",
        figures=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=FIGURES),
        extraction=f"{RESULTS}/features/record.json",
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/write_report.log",
    params:
        code=code.fingerprint("write_report.py", every_module=True),
        template=cells.fingerprint(
            (SCRIPTS / "isojoule/templates/report.html.j2").read_text()
        ),
    shell:
        "python $ISOJOULE_SCRIPTS/write_report.py --measurements {input.measurements} --extraction {input.extraction}"
        " --claims {input.claims} --figures {input.figures} --output {output} 2>&1 | tee {log}"
