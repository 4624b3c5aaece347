"""Say in one sentence what went wrong in a run, once, and in the end whether the user stopped it.

Snakemake tells the failure of a command as an exception, as a paragraph that lists every input and output of the job,
which can be a thousand lines, and once more in the end. Its file in .snakemake/log keeps all of that.
"""

import atexit
import logging
import re
import sys
from pathlib import Path
from typing import Any

LAST_LINES = 3
# how a shell says that the kernel ended a program
KILLED = 128 + 9


def tell_failures(logger: logging.Logger, results: str = "results") -> None:
    """Print to stderr a sentence about everything that fails, of which Snakemake's `logger` hears, instead of its own.

    Args:
        logger: Snakemake's logger, whose handlers so far are those that print.
        results: folder of the study's results, in which every file lies that a rule makes.
    """
    if any(isinstance(getattr(listener, "__self__", None), _Words) for listener in logger.filters):
        # another study of the same workflow listens already
        return
    words = _Words(results)
    logger.addFilter(words.hear)
    for handler in logger.handlers:
        handler.addFilter(words.is_to_be_shown)
    atexit.register(words.end)


class _Words:
    def __init__(self, results: str) -> None:
        self._results = results
        self._is_stopped = False
        self._exit_codes: dict[int | None, int] = {}

    def hear(self, record: logging.LogRecord) -> bool:
        """Print a sentence about what failed; hide nothing from the file of the log."""
        content, text = vars(record), str(record.msg)
        if text.startswith("Terminating processes on user request"):
            self._is_stopped = True
        elif code := _exit_code(record):
            # the event of the job follows in the same thread
            self._exit_codes[record.thread] = code
        elif _event(record) == "job_error" and not self._is_stopped:
            _print(failure_in_words(content, self._exit_codes.pop(record.thread, None)))
        elif content.get("exception") == "MissingRuleException":
            target = text.partition("No rule to produce ")[2].partition(" (if you use")[0]
            _print(f"error: found no rule that makes {target}; everything of this study is below {self._results}/")
        return True

    def is_to_be_shown(self, record: logging.LogRecord) -> bool:
        """Return whether Snakemake shall print what it says: not where a sentence stands for it."""
        return not (
            _exit_code(record)
            or _event(record) == "job_error"
            or vars(record).get("exception") == "MissingRuleException"
            or re.search("At least one job did not complete|Exiting because a job execution failed", str(record.msg))
        )

    def end(self) -> None:
        """Print the last words of a run that the user stopped."""
        if self._is_stopped:
            _print("stopped by you; the same command goes on")


def _print(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _event(record: logging.LogRecord) -> str:
    return str(vars(record).get("event", "")).rpartition(".")[2].lower()


def _exit_code(record: logging.LogRecord) -> int:
    """Return the exit code of the command whose failure is told, 0 where nothing such is told."""
    code = re.search(r"CalledProcessError in file .* returned non-zero exit status (\d+)", str(record.msg), re.DOTALL)
    return int(code[1]) if code and _event(record) == "error" else 0


def failure_in_words(content: dict[str, Any], exit_code: int | None = None) -> str:
    """Say what failed and why.

    Args:
        content: the fields of Snakemake's event `job_error`.
        exit_code: that of a command of this machine, which has said on the terminal what is wrong; otherwise the last
            lines of the log say it.
    """
    logs = [Path(str(path).removesuffix(" (check log file(s) for error details)")) for path in content["log"] or []]
    if exit_code:
        reason = "killed, as by the kernel where memory is short" if exit_code == KILLED else "its words are above"
        return f"{content['rule_name']} failed, {reason} and in {', '.join(map(str, logs))}"
    reason = content.get("rule_msg") or "its command failed"
    lines = [f"{content['rule_name']} failed: {' '.join(str(reason).partition('sbatch call:')[0].split())}"]
    for path in logs:
        if path.is_file():
            log_lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LAST_LINES:]
            lines += [f"    {path}:", *(f"        {line}" for line in log_lines)]
    return "\n".join(lines)
