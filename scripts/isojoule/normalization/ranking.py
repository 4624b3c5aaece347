"""From the rows of the experiment to a ranking: which method and which references have the least error."""

from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.accuracy import ERRORS
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.splits import SCHEMES

ALL_PAIRS = "all pairs"
PUBLISHED_CHOICES = ("min-max", "random", "all")
KEYS = ["phase", "scheme", "pair", "references", "method", "sampling"]


def read(path: Path) -> pd.DataFrame:
    """Read the rows of the experiment.

    Raises:
        InputError: unreadable, or not such rows.
    """
    if not path.exists():
        raise InputError(f"{path}: found no such file, expected rows of evaluate_normalization.py")
    try:
        results = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a table of normalization errors (parquet): {error}") from error
    if len(results) and (missing := [name for name in ("source", "target", "method", *ERRORS) if name not in results]):
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected rows of evaluate_normalization.py")
    return results


def summary(table: pd.DataFrame) -> str:
    """The ranking over all pairs in a few lines: our default against the best published method."""
    lines = []
    if not table.empty:
        over_all = table[(table["pair"] == ALL_PAIRS) & table["scheme"].isin(SCHEMES)]
        for (phase, count), part in over_all.groupby(["phase", "references"], sort=False):
            ours, published = part[part["default"]], part[part["published"]]
            if len(ours) and len(published):
                best = published.iloc[0]
                lines.append(
                    f"{phase}, {count} references: {ours.iloc[0].mdape_median_percent:.1f} % by our default, "
                    f"{best.mdape_median_percent:.1f} % by the best published ({best.method}, {best.sampling})"
                )
    return "\n".join(lines) or "nothing to rank"


def ranking(results: pd.DataFrame) -> pd.DataFrame:
    """Errors by pair, method, choice and number of references, the least MdAPE first.

    Args:
        results: rows of the experiment.

    Returns:
        one row per phase, scheme, pair (and all pairs), number of references, method and choice: means over splits and
        draws of every error, the median of MdAPE over the same (over all pairs as well), how many rows that is, `rank`
        among those with the same number of references, `published` (method and
        choice) or not, `default` for our default with the choice
        that it recommends.
    """
    if results.empty:
        return pd.DataFrame(columns=["rank", *KEYS])
    results = results.assign(pair=results["source"].astype(str) + " -> " + results["target"].astype(str))
    both = pd.concat([results, results.assign(pair=ALL_PAIRS)])
    errors = ["mdape_percent", "ape90_percent", "log_rmse", "kendall_tau", "front_jaccard", "r2", "mse_kwh2"]
    groups = both.groupby(KEYS, observed=True, sort=False)
    table = groups[errors].mean().rename(columns={"mdape_percent": "mdape_mean_percent"})
    table.insert(0, "mdape_median_percent", groups["mdape_percent"].median())
    table["rows"] = groups.size()
    table = table.reset_index().astype(dict.fromkeys(KEYS[:3] + KEYS[4:], "str"))
    by_the_paper = table["method"].isin(list(PUBLISHED)) & ~table["method"].str.startswith("svr-standardized")
    table["published"] = by_the_paper & table["sampling"].isin(PUBLISHED_CHOICES)
    best = table["references"].map(references.recommended)
    table["default"] = (table["method"] == DEFAULT) & ((table["sampling"] == best) | (table["sampling"] == "all"))
    among = ["phase", "scheme", "pair", "references"]
    table["rank"] = table.groupby(among, observed=True)["mdape_median_percent"].rank(method="min").astype(int)
    ordered = table["pair"].astype(str).where(table["pair"] != ALL_PAIRS, "")
    table = table.assign(_pair=ordered).sort_values(
        ["phase", "scheme", "_pair", "references", "rank", "method", "sampling"], ascending=[False, False, *[True] * 5]
    )
    return table.drop(columns="_pair")[["rank", *KEYS, *table.columns[len(KEYS) : -2]]].reset_index(drop=True)
