"""Say in one sentence that a job failed, with the last lines of its logs.

Snakemake's own paragraph lists every input and output of the job, which can be a thousand lines; the profiles turn it
off.
"""

import logging
import sys
from pathlib import Path
from typing import Any

LAST_LINES = 3


def tell_failures(logger: logging.Logger) -> None:
    """Print to stderr a sentence about every failed job that Snakemake's `logger` hears of."""
    logger.addFilter(_tell)


def _tell(record: logging.LogRecord) -> bool:
    content = vars(record)
    if str(content.get("event", "")).rpartition(".")[2].lower() == "job_error":
        print(failure_in_words(content), file=sys.stderr, flush=True)
    return True


def failure_in_words(content: dict[str, Any]) -> str:
    """Say what failed and why, from the fields of Snakemake's event `job_error`."""
    logs = [Path(str(path).removesuffix(" (check log file(s) for error details)")) for path in content["log"] or []]
    reason = content.get("rule_msg") or "its command failed"
    lines = [f"{content['rule_name']} failed: {' '.join(str(reason).partition('sbatch call:')[0].split())}"]
    for path in logs:
        if path.is_file():
            log_lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LAST_LINES:]
            lines += [f"    {path}:", *(f"        {line}" for line in log_lines)]
    return "\n".join(lines)
