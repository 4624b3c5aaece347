"""What a user reads when a job fails: one sentence, and the last words of its logs.

Snakemake's own paragraph lists every input and output, which are a thousand lines here; the profiles leave it out.
"""

import logging
import sys
from pathlib import Path
from typing import Any

LAST_LINES = 3


def tell_failures(logger: logging.Logger) -> None:
    """Say every failed job that Snakemake's `logger` hears of, on stderr."""
    logger.addFilter(_tell)


def _tell(record: logging.LogRecord) -> bool:
    content = vars(record)
    if str(content.get("event", "")).rpartition(".")[2].lower() == "job_error":
        print(failure(content), file=sys.stderr, flush=True)
    return True


def failure(content: dict[str, Any]) -> str:
    """The sentence, from the fields of Snakemake's event `job_error`."""
    logs = [Path(str(path).removesuffix(" (check log file(s) for error details)")) for path in content["log"] or []]
    reason = content.get("rule_msg") or "its command failed"
    lines = [f"{content['rule_name']} failed: {' '.join(str(reason).partition('sbatch call:')[0].split())}"]
    for path in logs:
        if path.is_file():
            words = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LAST_LINES:]
            lines += [f"    {path}:", *(f"        {line}" for line in words)]
    return "\n".join(lines)
