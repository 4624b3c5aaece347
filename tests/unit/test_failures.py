import logging

from isojoule.study.job_failures import failure_in_words, tell_failures


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


def test_snakemakes_event_is_heard(capsys):
    logger = logging.Logger("snakemake")
    tell_failures(logger)
    logger.error("x", extra={"event": "LogEvent.JOB_ERROR", "rule_name": "plot", "rule_msg": None, "log": []})
    logger.info("y", extra={"event": "LogEvent.JOB_INFO"})
    assert capsys.readouterr().err.splitlines()[0] == "plot failed: its command failed"
