"""Records in; one table of measurements, its dictionary, tables and figures out. On the CPU, without torch."""


rule aggregate:
    input:
        records=RECORDS,
        compute=[
            f"{RESULTS}/compute/{architecture}.json" for architecture in ARCHITECTURES
        ],
        qualities=config["analysis"].get("quality_table", []),
    output:
        MEASUREMENTS,
        f"{RESULTS}/measurements.csv",
        f"{RESULTS}/data-dictionary.csv",
    log:
        f"{RESULTS}/logs/aggregate.log",
    params:
        analysis=config["analysis"],
        whole=[
            WORKLOAD.whole(config, architecture, phase)
            for architecture in ARCHITECTURES
            for phase in config["phases"]
        ],
        code=code.fingerprint("aggregate.py", WORKLOAD.__name__, every_module=True),
    shell:
        f"python $ISOJOULE_SCRIPTS/aggregate.py --config {CONFIGURATION} --results {RESULTS}"
        f" --output {MEASUREMENTS} 2>&1 | tee {{log}}"


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
    params:
        code=code.fingerprint("tabulate_energy.py", every_module=True),
    shell:
        "python $ISOJOULE_SCRIPTS/tabulate_energy.py {input} --output {output} 2>&1 | tee {log}"


rule tabulate_flags:
    input:
        MEASUREMENTS,
    output:
        report(
            f"{RESULTS}/tables/flags.csv",
            caption="../report/flags-table.rst",
            category="Quality of the measurements",
            labels={"what": "Flagged cells"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_flags.log",
    params:
        code=code.fingerprint("tabulate_flags.py", every_module=True),
    shell:
        "python $ISOJOULE_SCRIPTS/tabulate_flags.py {input} --output {output} 2>&1 | tee {log}"


rule link_compute_energy:
    input:
        MEASUREMENTS,
    output:
        report(
            expand(f"{RESULTS}/compute-energy/{{table}}.csv", table=LINKS),
            caption="../report/compute-energy.rst",
            category="Compute and energy",
            labels={"what": "Fits and claims"},
        ),
    log:
        f"{RESULTS}/logs/link_compute_energy.log",
    params:
        code=code.fingerprint("link_compute_energy.py", every_module=True),
    shell:
        "python $ISOJOULE_SCRIPTS/link_compute_energy.py {input} --output"
        f" {RESULTS}/compute-energy 2>&1 | tee {{log}}"


rule plot:
    input:
        lambda wildcards: f"{RESULTS}/{figures.FIGURES[wildcards.figure].table}",
    output:
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="../report/figure.rst",
            category=lambda wildcards: figures.FIGURES[wildcards.figure].category,
            labels=lambda wildcards: {"what": figures.FIGURES[wildcards.figure].title},
        ),
        f"{RESULTS}/figures/{{figure}}.pdf",
        f"{RESULTS}/figures/{{figure}}.png",
    log:
        f"{RESULTS}/logs/plot/{{figure}}.log",
    params:
        code=lambda wildcards: code.fingerprint(
            "plot.py", figures.module_name(wildcards.figure), every_module=True
        ),
        style=cells.fingerprint(
            (SCRIPTS / "isojoule/figures/isojoule.mplstyle").read_text()
        ),
        settings={key: config["figures"][key] for key in ("texts", "text_mm")},
        caption=lambda wildcards: figures.FIGURES[wildcards.figure].caption,
    shell:
        f"python $ISOJOULE_SCRIPTS/plot.py {{wildcards.figure}} {{input}} --config {CONFIGURATION}"
        " --output {output} 2>&1 | tee {log}"
