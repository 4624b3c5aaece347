"""Records in; one table of measurements, its dictionary, tables and figures out. On the CPU, without torch."""


rule aggregate:
    input:
        records=[
            f"{RESULTS}/records/{c.gpu}/{c.architecture}/{c.phase}-{c.repeat}.json"
            for c in CELLS
        ],
        compute=[
            f"{RESULTS}/compute/{architecture}.json" for architecture in ARCHITECTURES
        ],
    output:
        MEASUREMENTS,
        f"{RESULTS}/measurements.csv",
        f"{RESULTS}/data-dictionary.csv",
    log:
        f"{RESULTS}/logs/aggregate.log",
    shell:
        f"python $SCRIPTS/aggregate.py --config {CONFIGURATION} --records {RESULTS}/records"
        f" --compute {RESULTS}/compute --output {MEASUREMENTS} 2>&1 | tee {{log}}"


rule tabulate_energy:
    input:
        MEASUREMENTS,
    output:
        report(
            f"{RESULTS}/tables/energy.csv",
            caption="../report/energy-table.rst",
            category="Energy",
            labels={"what": "Table of energy"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_energy.log",
    shell:
        "python $SCRIPTS/tabulate_energy.py {input} --output {output} 2>&1 | tee {log}"


rule plot:
    input:
        MEASUREMENTS,
    output:
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="../report/figure.rst",
            category="Energy",
            labels={"what": "{figure}"},
        ),
        f"{RESULTS}/figures/{{figure}}.png",
    log:
        f"{RESULTS}/logs/plot/{{figure}}.log",
    shell:
        "python $SCRIPTS/plot.py {wildcards.figure} {input} --output {output} 2>&1 | tee {log}"
