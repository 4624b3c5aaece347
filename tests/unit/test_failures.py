import logging
import subprocess
import sys
from io import StringIO

import pytest
from snakemake.exceptions import MissingRuleException, RuleException, WorkflowError, print_exception
from snakemake.logging import DefaultFormatter

from isojoule.study import job_failures
from isojoule.study.job_failures import failure_in_words, tell_failures

LOG = "results/a/logs/measure/here-0.log"
ERROR = {"rule_name": "measure", "rule_msg": None, "log": [LOG], "event": "LogEvent.JOB_ERROR"}
AT_THE_END = "At least one job did not complete successfully."


@pytest.fixture
def heard(monkeypatch):
    """Snakemake's own logger, what its terminal shows, and what is to be said at the end of the program."""
    from snakemake.logging import logger

    shown, at_exit = StringIO(), []
    handler = logging.StreamHandler(shown)
    handler.setFormatter(DefaultFormatter())
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    monkeypatch.setattr(job_failures.atexit, "register", at_exit.append)
    tell_failures(logger, "results/a")
    return logger, shown, at_exit[0]


def test_two_studies_in_one_workflow_tell_a_failure_once(heard, capsys):
    logger, _, _ = heard
    tell_failures(logger, "results/b")
    logger.error("Error in rule measure, jobid: 1", extra=ERROR)
    assert capsys.readouterr().err == "measure failed: its command failed\n"


def failed_command(code):
    """What Snakemake makes of a command with this exit code."""
    try:
        subprocess.run([sys.executable, "-c", f"raise SystemExit({code})"], check=True)
    except subprocess.CalledProcessError as error:
        return RuleException(f'CalledProcessError in file "measure.smk", line 19:\n{error}')


def test_a_failed_job_is_one_sentence_and_the_last_words_of_its_log(tmp_path):
    log = tmp_path / "measure.log"
    log.write_text("\n".join(f"line {number}" for number in range(10)))
    message = "SLURM-job '3' failed,\n  status OUT_OF_MEMORY"
    said = failure_in_words({"rule_name": "measure", "rule_msg": message, "log": [log]})
    assert said.splitlines() == [
        "measure failed: SLURM-job '3' failed, status OUT_OF_MEMORY",
        f"    {log}:",
        "        line 7",
        "        line 8",
        "        line 9",
    ]


def test_a_refused_submission_is_said_without_the_command():
    message = "SLURM sbatch failed. The error message was 'invalid partition'.\n    sbatch call:\n  sbatch -p x"
    said = failure_in_words({"rule_name": "measure", "rule_msg": message, "log": ["missing.log"]})
    assert said == "measure failed: SLURM sbatch failed. The error message was 'invalid partition'."


@pytest.mark.parametrize(
    ("code", "reason"), [(2, "its words are above"), (137, "killed, as by the kernel where memory is short")]
)
def test_a_command_that_failed_on_this_machine_is_told_once(heard, capsys, code, reason):
    """It was told as an exception, as an event, with the lines that stood on the terminal already, and in the end."""
    logger, shown, end = heard
    print_exception(failed_command(code))
    logger.error("Error in rule measure, jobid: 1", extra=ERROR)
    logger.error("Exiting because a job execution failed. Look above for error messages")
    print_exception(WorkflowError(AT_THE_END))
    end()
    assert capsys.readouterr().err == f"measure failed, {reason} and in {LOG}\n"
    assert shown.getvalue() == ""


def test_what_the_user_stopped_is_no_failure(heard, capsys):
    logger, shown, end = heard
    logger.info("Terminating processes on user request, this might take some time.")
    print_exception(failed_command(130))
    logger.error("Error in rule measure, jobid: 1", extra=ERROR)
    print_exception(WorkflowError(AT_THE_END))
    end()
    assert capsys.readouterr().err == "stopped by you; the same command goes on\n"
    assert shown.getvalue() == "Terminating processes on user request, this might take some time.\n"


def test_an_unknown_target_is_one_sentence(heard, capsys):
    _, shown, end = heard
    print_exception(MissingRuleException("results/a/nowhere.csv"))
    end()
    expected = "error: found no rule that makes results/a/nowhere.csv; everything of this study is below results/a/\n"
    assert capsys.readouterr().err == expected
    assert shown.getvalue() == ""


def test_all_else_is_said_by_snakemake(heard, capsys):
    logger, shown, _ = heard
    print_exception(WorkflowError("The folder is locked."))
    logger.info("1 of 2 steps (50%) done")
    assert capsys.readouterr().err == ""
    assert shown.getvalue() == "WorkflowError:\nThe folder is locked.\n1 of 2 steps (50%) done\n"
