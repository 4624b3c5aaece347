"""Records go in, and one table of measurements, its dictionary, tables and figures come out, without torch."""


rule aggregate:
    input:
        records=RECORDS,
        compute=COUNTS,
        # what the records must be of
        data=f"{RESULTS}/features/statistics.json",
        qualities=STUDY.analysis.quality_table or [],
    output:
        MEASUREMENTS,
        f"{RESULTS}/measurements.csv",
        f"{RESULTS}/data-dictionary.csv",
    log:
        f"{RESULTS}/logs/aggregate.log",
    params:
        # a table of what is there is made again where something else has become of what is not
        **{"outcomes": as_it_is.outcomes(STUDY, Path(RESULTS))} if AS_IT_IS else {},
        analysis=STUDY.analysis.plain(),
        whole=[
            STUDY.whole(architecture, phase)
            for architecture in ARCHITECTURES
            for phase in PHASES
        ],
        code=code_fingerprint.fingerprint(
            "isojoule.cli.aggregate", type(STUDY).__module__, every_module=True
        ),
    shell:
        f"isojoule aggregate --config {CONFIGURATION} --results {RESULTS}"
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
        code=code_fingerprint.fingerprint(
            "isojoule.cli.tabulate_energy", every_module=True
        ),
    shell:
        "isojoule tabulate-energy {input} --output {output} 2>&1 | tee {log}"


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
        code=code_fingerprint.fingerprint(
            "isojoule.cli.tabulate_flags", every_module=True
        ),
    shell:
        "isojoule tabulate-flags {input} --output {output} 2>&1 | tee {log}"


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
        code=code_fingerprint.fingerprint(
            "isojoule.cli.link_compute_energy", every_module=True
        ),
    shell:
        "isojoule link-compute-energy {input} --output"
        f" {RESULTS}/compute-energy 2>&1 | tee {{log}}"


# one process draws all figures of a table, which is done before as many have imported what they draw with
for TABLE, NAMES in captions.by_table(sorted(FIGURES)).items():

    rule:
        name:
            f"plot_{Path(TABLE).stem}"
        input:
            f"{RESULTS}/{TABLE}",
        output:
            # those that are of the same table and code stay as they are
            [
                update(
                    report(
                        f"{RESULTS}/figures/{figure}.svg",
                        caption="../report/figures.rst",
                        category=captions.FIGURES[figure].category,
                        labels={"what": captions.FIGURES[figure].title},
                    )
                )
                for figure in NAMES
            ],
            [
                update(f"{RESULTS}/figures/{figure}.{ending}")
                for figure in NAMES
                for ending in ("pdf", "png")
            ],
        log:
            f"{RESULTS}/logs/plot_{Path(TABLE).stem}.log",
        # the report waits longest for the figures
        priority: 1
        params:
            figures=NAMES,
            captions=captions_of(NAMES),
            code=code_fingerprint.fingerprint(*captions.code(NAMES), every_module=True),
            style=reruns.fingerprint(STYLE.read_text()),
            settings=STUDY.figures.plain(include={"texts", "text_mm"}),
        shell:
            f"isojoule plot {{params.figures}} {{input}} --allow-empty --keep-same --config {CONFIGURATION}"
            " --output {output} 2>&1 | tee {log}"
