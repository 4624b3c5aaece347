"""Measure what it costs to seal what a stage writes, and to check what it reads, beside the whole stage.

    python benchmarks sealing

The study is the demo with 1,000 clips, which nobody touches after they were prepared and of which a copy is read as a
whole, and the aggregation is that of the published study. A stage is its command, with the start of Python; the seals
are timed in a process that has imported what they need, as the stage has. The hash of the features is their
fingerprint as well, which there would be without seals: it has a row of its own, and the seals cost what is beyond.
Both are CPU time, and the limit is 1 %.
"""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import chdir
from functools import partial
from pathlib import Path

import yaml
from suite import PROJECT, Row, command, interleaved

sys.path.insert(0, str(PROJECT / "tests"))

from simulated import write_results

from isojoule import seals
from isojoule.measuring.extraction import check_features
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.writing import as_text
from isojoule.study import reading
from isojoule.workloads import clip_files

CLIPS = 500


def measure(rounds: int) -> list[Row]:
    """Time the seals of every stage, and the stage."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))
        content["dataset"] |= {"train_clips": CLIPS, "test_clips": CLIPS}
        content["architectures"] = {"mlp": [{"layers": 1, "hidden": [16, 32]}]}
        gpu = next(iter(content["gpus"]))
        (folder / "study.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        study = reading.load(folder / "study.yaml")
        published = reading.load(PROJECT / "config" / "config.yaml")
        (folder / "published.yaml").write_text(yaml.safe_dump(published.plain()), encoding="utf-8")
        number = write_results(published, folder / "published")
        config = ("--config", "study.yaml")
        run = partial(_stage, folder)
        run("prepare-dataset", *config, "--output", "dataset")
        words = {
            f"extract-features of {2 * CLIPS:,} clips": (
                "extract-features", *config, "--dataset", "dataset", "--output", "results/features"),
            "measure, of 2 architectures": ("measure", *config, "--gpu", gpu, "--results", "results"),
            f"aggregate, of {number:,} records": (
                "aggregate", "--config", "published.yaml", "--results", "published", "--output", "published/m.parquet"),
            "compare-fronts": ("compare-fronts", "published/m.parquet", "--output", "pareto", "--kinds", "simulated"),
            "plot of fronts": ("plot", "pareto-energy", "pareto/fronts.csv", "--output", "fronts.svg"),
        }  # fmt: skip
        features = folder / "results" / "features"
        fronts = [folder / "pareto" / f"{name}.csv" for name in ("fronts", "summary", "stability")]
        table = folder / "published" / "m.parquet"
        tables = [table, table.with_suffix(".csv"), table.with_name("data-dictionary.csv")]
        of_features = [features / name for name in study.FEATURES]
        seals_of: list[Callable[[], float]] = [
            lambda: (
                _files(of_features, [folder / "dataset" / "manifest.tsv"])
                + _clips(folder)
                - _fingerprint(of_features[0])
            ),
            lambda: _cpu_s(partial(check_features, study, features)) + _records(folder / "results" / "records"),
            lambda: (
                _files(tables, [*(folder / "published" / "compute").glob("*.json")])
                + _records(folder / "published" / "records", writes=False)
            ),
            lambda: _files(fronts, [table]),
            lambda: _files([folder / "fronts.svg"], fronts[:1]),
        ]
        rows = []
        for (what, stage), of_stage in zip(words.items(), seals_of, strict=True):
            run(*stage)
            of_stage()
            stage_s, seals_s = interleaved(rounds, partial(run, *stage), of_stage)
            rows.append(Row(f"seals of {what}, CPU time", seals_s, "the stage", stage_s, "s", "<= 0.01"))
            if stage[0] == "extract-features":
                of_data_s = [_fingerprint(of_features[0]) for _ in range(rounds)]
                rows.append(Row("the fingerprint of its data, CPU time", of_data_s, "the stage", stage_s, "s"))
                (folder / "dataset" / ".manifest.tsv.files").unlink()
                read_s = [_clips(folder) for _ in range(rounds)]
                what = f"its clips of {_mb(folder / 'dataset' / 'audio'):.0f} MB, if all are read, CPU time"
                rows.append(Row(what, read_s, "the stage", stage_s, "s"))
    return rows


def _cpu_s(call: Callable[[], object]) -> float:
    """Return the CPU time that a call takes, which other programs of the machine do not change."""
    began_s = time.process_time()
    call()
    return time.process_time() - began_s


def _stage(folder: Path, *words: str) -> float:
    if words[0] == "measure":
        # what is in the journal is not measured again
        for path in (folder / "results").glob("attempts/*/*/*.json"):
            path.unlink()
    return command([sys.executable, "-m", "isojoule", *words], folder).cpu_s


def _fingerprint(features: Path) -> float:
    """CPU time to hash the features, which tells what need not be measured again, also without seals."""
    content = features.read_bytes()
    return _cpu_s(partial(hashlib.sha256, content))


def _clips(folder: Path) -> float:
    """CPU time to check the audio files of a manifest, whose paths are below that folder."""
    with chdir(folder):
        return _cpu_s(partial(clip_files.check, Path("dataset/manifest.tsv"), 2, "isojoule"))


def _mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def _files(written: Sequence[Path], read: Sequence[Path]) -> float:
    """CPU time to seal the files that a stage writes, and to check those that it reads."""

    def both() -> None:
        for path in written:
            seals.seal(path, "isojoule")
        for path in read:
            seals.check(path)

    return _cpu_s(both)


def _records(folder: Path, *, writes: bool = True) -> float:
    """CPU time to seal or to check the records in a folder, without reading them."""
    total_s = 0.0
    for path in folder.rglob("*.json"):
        record = read_record(path, MeasurementRecord)
        if writes:
            total_s += _cpu_s(partial(as_text, record))
        else:
            # the stage reads the file in any case
            content, seal = path.read_bytes(), record.seal
            assert seal is not None
            total_s += _cpu_s(partial(seals.check_json, path, content, seal))
    return total_s
