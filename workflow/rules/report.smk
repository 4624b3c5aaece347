"""Tables and figures in; one HTML page out, which needs no network."""


rule write_report:
    input:
        measurements=MEASUREMENTS,
        table=f"{RESULTS}/tables/energy.csv",
        figures=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=FIGURES),
        extraction=f"{RESULTS}/features/record.json",
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/write_report.log",
    shell:
        "python $SCRIPTS/write_report.py --measurements {input.measurements} --extraction {input.extraction}"
        " --figures {input.figures} --output {output} 2>&1 | tee {log}"
