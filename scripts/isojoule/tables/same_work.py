"""Energies that are not of the same work: nothing is changed or left out, the user is told which rows differ."""

import pandas as pd

# what the energies of a system are of, which its repeats and its platforms share
OF_A_SYSTEM = ("params", "flops", "forward_flops", "backward_flops")
OF_A_PHASE = ("epochs", "samples", "audio_s", "batch_size")
# what all systems are tested on
OF_ALL_TESTS = ("samples", "audio_s")
# whole numbers of what is carried from a part to the whole differ by rounding
TOLERANCE = 0.01
SHOWN = 5


def differing_work(frame: pd.DataFrame, name: str = "architecture") -> list[str]:
    """Sentences on rows whose energies are compared although they are of different work.

    Args:
        frame: any table.
        name: column with the names of the systems.
    """
    ok = frame[(frame["outcome"] == "ok").fillna(value=False)] if "outcome" in frame else frame
    differences: dict[str, list[str]] = {}
    for columns, keys, where in (
        (OF_A_SYSTEM, [name], ("gpu", "phase", "repeat")),
        (OF_A_PHASE, [name, *(["phase"] if "phase" in ok else [])], ("gpu", "repeat")),
    ):
        for column in [column for column in columns if column in ok and ok[column].notna().any()]:
            groups = pd.to_numeric(ok[column]).astype("float64").groupby([ok[key] for key in keys], sort=False)
            is_other = groups.transform("max") > groups.transform("min") * (1 + TOLERANCE)
            for (system, *phase), rows in ok[is_other].groupby(keys, sort=False):
                of_phase = "".join(f"{value} with " for value in phase)
                differences.setdefault(str(system), []).append(of_phase + _in_words(rows, column, where))
    sentences = [
        f"{system} is not the same work in all rows: {'; '.join(said)}" for system, said in differences.items()
    ]
    more = [f"and {len(sentences) - SHOWN} more whose rows differ in their work"] if len(sentences) > SHOWN else []
    if sentences or "phase" not in ok:
        return sentences[:SHOWN] + more
    tests = ok[(ok["phase"] == "test").fillna(value=False)]
    among = [_in_words(tests, column, (name, "gpu")) for column in OF_ALL_TESTS]
    return [f"tests are of different work: {words}" for words in among if words]


def _in_words(rows: pd.DataFrame, column: str, where: tuple[str, ...]) -> str:
    """Say which values a column has where it should have one, and a row of each; nothing where it has one."""
    values = pd.to_numeric(rows[column]).astype("float64").dropna() if column in rows else pd.Series(dtype="float64")
    if values.empty or values.max() <= values.min() * (1 + TOLERANCE):
        return ""
    ends = [values.idxmin(), values.idxmax()]
    present = [key for key in where if key in rows]
    names = [key for key in present if rows.loc[ends, key].nunique() > 1] or present[-1:]
    places = [", ".join(f"{key} {rows.loc[row, key]}" for key in names) for row in ends]
    return f"{column} {' and '.join(f'{values[row]:.12g} ({place})' for row, place in zip(ends, places, strict=True))}"
