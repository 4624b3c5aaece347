"""The report of a study: one HTML page with its tables, figures, charts and a calculator inside."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pandas as pd

from isojoule import __version__, readable
from isojoule.errors import InputError
from isojoule.figures.captions import MEASUREMENTS
from isojoule.fronts.costs import COSTS
from isojoule.records import ExtractionRecord
from isojoule.report import calculator, charts, libraries, sharing
from isojoule.report.about import about
from isojoule.report.analysis_tables import default_beside_the_best, read_tables, records
from isojoule.report.before_and_after import before_and_after
from isojoule.report.choices import choices
from isojoule.report.downloads import downloads, packed, packed_csv
from isojoule.report.embedded_figures import figures_by_category, left_out
from isojoule.report.provenance import provenance
from isojoule.tables.columns import PHASES
from isojoule.tables.energy import energy_table
from isojoule.tables.outcomes import taken_from, without_energy
from isojoule.tables.qualities import QUALITIES

TEMPLATE = Path(__file__).parent / "template"
# a longer table has the rest of its rows packed, which scripts unpack
MOST_PLAIN_ROWS = 1000


class Surroundings(NamedTuple):
    """What the page says that is in no table.

    Attributes:
        data_source: `dataset.source` of the study's configuration.
        before: file and table of another study, or of an earlier state of this one, to hold this one against.
        picture: address of the picture that stands for the page where its address is shared.
        url: address of the page.
    """

    data_source: str | None = None
    before: tuple[Path, pd.DataFrame] | None = None
    picture: str = ""
    url: str | None = None


def render(
    measurements: tuple[Path, pd.DataFrame],
    tables: Mapping[str, Path],
    figures: Sequence[Path],
    extraction: ExtractionRecord | None = None,
    surroundings: Surroundings | None = None,
) -> str:
    """Write the page as text.

    Args:
        measurements: the file of the table of measurements, and the table.
        tables: other tables by their path below the study's results, such as `pareto/fronts.csv`; a table that is not
            given has no section.
        figures: SVG files, which are shown in this order.
        extraction: record of what the features cost.
        surroundings: what the page says that is in no table.

    Raises:
        InputError: a table or figure cannot be read.
    """
    try:
        return _render(measurements, tables, figures, extraction, surroundings or Surroundings())
    except (KeyError, jinja2.UndefinedError) as error:
        raise InputError(f"tables: found one without what the page shows of it: {error}") from error


def _render(
    measurements: tuple[Path, pd.DataFrame],
    tables: Mapping[str, Path],
    figures: Sequence[Path],
    extraction: ExtractionRecord | None,
    surroundings: Surroundings,
) -> str:
    path, frame = measurements
    energies = energy_table(frame)
    analysis = read_tables(tables)
    names = frame["study"].dropna()
    compared = before_and_after(surroundings.before, frame) if surroundings.before else None
    inside, beside = downloads(measurements, energies, tables)
    if compared:
        inside |= {f"compared/{name}.csv": packed_csv(getattr(compared, name)) for name in ("cells", "circumstances")}
    data_tables, data_tables_style = libraries.data_tables()
    study = calculator.study(frame)
    name = str(names.iloc[0]) if len(names) else path.stem
    chosen = choices(analysis["fronts"], energies)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            version=__version__,
            study=name,
            title=sharing.title(name, frame),
            subject=sharing.subject(frame),
            icon=sharing.ICON,
            surroundings=surroundings,
            compared=compared,
            compared_cells=records(compared.cells) if compared else [],
            compared_circumstances=records(compared.circumstances) if compared else [],
            about=about(frame, surroundings.data_source),
            models=list(frame["architecture"].unique()),
            choices=chosen,
            default_in_words=default_beside_the_best(analysis["ranking"]),
            choice_units=_choice_units(chosen),
            energies=records(energies),
            sections=_sections(analysis),
            units=_units(energies),
            cost_units=charts.cost_units(analysis["fronts"]),
            without_energy=without_energy(frame),
            taken_from=taken_from(frame),
            costs={column: cost.label for column, cost in COSTS.items()},
            qualities=QUALITIES,
            shown_qualities=[name for name in QUALITIES if f"{name}_mean" in energies],
            extraction=extraction,
            figures=figures_by_category(figures, {MEASUREMENTS: path, **tables}),
            figures_left_out=left_out(figures),
            downloads=inside,
            beside=beside,
            most_plain_rows=MOST_PLAIN_ROWS,
            has_energies=bool((energies["repeats"] > 0).any()),
            has_calculator=study is not None,
            data=_script_data(analysis["fronts"], energies, study),
            vega=packed(libraries.vega()),
            data_tables=packed(data_tables),
            data_tables_style=data_tables_style,
            asset=lambda name: (TEMPLATE / name).read_text(encoding="utf-8"),
            **{name: records(table) for name, table in analysis.items()},
            **provenance(frame),
        )
    )


def environment() -> jinja2.Environment:
    """Return how the templates of pages are filled."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["packed"] = packed
    environment.filters["figures"] = readable.digits
    environment.filters["quantity"] = readable.shown
    environment.filters["counted"] = readable.counted
    # what is counted one by one keeps all of its digits
    environment.filters["count"] = lambda value: "" if pd.isna(value) else f"{value:,.0f}"
    return environment


def _script_data(fronts: pd.DataFrame, energies: pd.DataFrame, study: dict[str, Any] | None) -> str:
    """Pack what page.js draws and computes with."""
    data = {
        "fronts": charts.fronts(fronts),
        "energies": charts.energies(energies),
        "study": study,
        "energy_units": readable.UNITS["kWh"],
    }
    # NaN is refused, which is no JSON
    return packed(json.dumps(data, allow_nan=False, separators=(",", ":")))


def _sections(analysis: Mapping[str, pd.DataFrame]) -> set[str]:
    """Name the sections of the page that a finding can lead to."""
    of_tables = {"fronts": ("fronts",), "claims": ("claims",), "normalization": ("ranking", "references")}
    shown = {name for name, tables in of_tables.items() if any(len(analysis[table]) for table in tables)}
    return {"energy", "how", *shown}


def _choice_units(chosen: dict[str, Any] | None) -> readable.Unit | None:
    return readable.unit("kWh", [row["energy_kwh"] for row in chosen["rows"]]) if chosen else None


def _units(energies: pd.DataFrame) -> dict[str, readable.Unit]:
    """Choose the unit of each column of the table of energy: that of its first phase, as in all other sections."""
    columns = {
        "energy": ("energy_mean_kwh", "kWh"),
        "duration": ("duration_mean_s", "s"),
        "power": ("power_mean_w", "W"),
        "params": ("params", ""),
        "flops": ("flops", "FLOP"),
    }
    with_energy = energies[energies["repeats"] > 0]
    first = next((phase for phase in PHASES if (with_energy["phase"] == phase).any()), "")
    of_phase = with_energy[with_energy["phase"] == first]
    return {name: readable.unit(of_records, of_phase[column]) for name, (column, of_records) in columns.items()}
