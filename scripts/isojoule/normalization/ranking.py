"""From the rows of the experiment to a ranking: which method and which references leave the smallest error."""

from pathlib import Path

import pandas as pd

from isojoule.normalization import references
from isojoule.normalization.accuracy import ERRORS
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.splits import SCHEMES
from isojoule.tables.columns import PHASES
from isojoule.tables.expected import Expected

ALL_PAIRS = "all pairs"
PUBLISHED_SAMPLINGS = ("min-max", "random", "all")
KEYS = ["phase", "scheme", "pair", "references", "method", "sampling"]
AVERAGED = ["mdape_percent", "ape90_percent", "log_rmse", "kendall_tau", "front_jaccard", "r2", "mse_kwh2"]
EXPECTED = Expected(
    "rows of isojoule evaluate-normalization",
    words=("phase", "scheme", "source", "target", "method", "sampling"),
    numbers=("references", *ERRORS),
    not_negative=("references", "mse_kwh2", "mdape_percent", "ape90_percent", "log_rmse", "front_jaccard"),
)
TABLE = Expected(
    "the ranking of isojoule rank-normalization",
    words=("pair", "scheme", "method", "sampling"),
    numbers=("rank", "references", "mdape_median_percent", "ape90_percent", "kendall_tau", "r2"),
    flags=("published", "default"),
    choices={"phase": PHASES},
)


def read(path: Path) -> pd.DataFrame:
    """Read the rows of the experiment.

    Args:
        path: parquet file of `isojoule evaluate-normalization`.

    Raises:
        InputError: the file is unreadable, or holds something else.
    """
    return EXPECTED.read(path)


def ranking(results: pd.DataFrame) -> pd.DataFrame:
    """Rank methods and choices of references by their MdAPE, the smallest first.

    Args:
        results: rows of the experiment.

    Returns:
        one row per phase, scheme, pair (or all pairs), number of references, method and choice: the mean of every error
        over splits and draws, the median of MdAPE over the same, `rows` (how many these are), `rank` among those with
        the same number of references, `published` (whether method and choice are both the papers', even where they did
        not try the two together), and `default` (whether it is our default with the choice that it recommends).
    """
    if results.empty:
        return pd.DataFrame(columns=["rank", *KEYS])
    results = results.assign(pair=results["source"].astype(str) + " -> " + results["target"].astype(str))
    groups = pd.concat([results, results.assign(pair=ALL_PAIRS)]).groupby(KEYS, observed=True, sort=False)
    table = groups[AVERAGED].mean().rename(columns={"mdape_percent": "mdape_mean_percent"})
    table.insert(0, "mdape_median_percent", groups["mdape_percent"].median())
    table["rows"] = groups.size()
    table = table.reset_index().astype(dict.fromkeys(KEYS[:3] + KEYS[4:], "str"))
    table["published"] = table["method"].isin(list(PUBLISHED)) & table["sampling"].isin(PUBLISHED_SAMPLINGS)
    recommended = table["references"].map(references.recommended)
    is_recommended = (table["sampling"] == recommended) | (table["sampling"] == "all")
    table["default"] = (table["method"] == DEFAULT) & is_recommended
    competitors = table.groupby(["phase", "scheme", "pair", "references"], observed=True)
    table["rank"] = competitors["mdape_median_percent"].rank(method="min").astype(int)
    # all pairs come before the single ones
    table["_order"] = table["pair"].astype(str).where(table["pair"] != ALL_PAIRS, "")
    table = table.sort_values(
        ["phase", "scheme", "_order", "references", "rank", "method", "sampling"],
        ascending=[False, False, *[True] * 5],
    )
    columns = [name for name in table if name not in ("rank", "_order", *KEYS)]
    return table[["rank", *KEYS, *columns]].reset_index(drop=True)


def summary(table: pd.DataFrame) -> str:
    """Compare our default with the best published method over all pairs, in one line per number of references."""
    lines = []
    if not table.empty:
        over_all_pairs = table[(table["pair"] == ALL_PAIRS) & table["scheme"].isin(SCHEMES)]
        for (phase, count), rows in over_all_pairs.groupby(["phase", "references"], sort=False):
            ours, published = rows[rows["default"]], rows[rows["published"]]
            if len(ours) and len(published):
                best = published.iloc[0]
                lines.append(
                    f"{phase}, {count} references: {ours.iloc[0].mdape_median_percent:.1f} % by our default, "
                    f"{best.mdape_median_percent:.1f} % by the best published ({best.method}, {best.sampling})"
                )
    return "\n".join(lines) or "nothing to rank"
