"""Dry runs of Snakemake, each forked from one process that has imported it, which takes longer than most of them."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

# what a Snakefile of ours imports beside the project, which each run has a copy of its own of
SERVER = """
import json, os, sys
import numpy, psutil, pydantic, snakemake.cli, snakemake.workflow, yaml
# it imports Snakemake's plugins
snakemake.cli.get_argument_parser()
assert "isojoule" not in sys.modules
beside = list(sys.path)

for line in sys.stdin:
    request = json.loads(line)
    if not (child := os.fork()):
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.path[:] = [beside[0], *filter(None, os.environ.get("PYTHONPATH", "").split(":")), *beside[1:]]
        sys.argv = [os.path.join(os.path.dirname(snakemake.__file__), "__main__.py"), *request["words"]]
        for number, name in ((0, os.devnull), (1, request["said"]), (2, request["said"])):
            os.dup2(os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND), number)
        sys.exit(snakemake.cli.main())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def _server(of_process: int) -> subprocess.Popen:
    """Start the process that forks, one for each process of tests."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(process.kill)
    return process


def run(folder, words, environment):
    """Run `snakemake WORDS` in a folder, and return its exit code and what it printed on both streams."""
    server = _server(os.getpid())
    with tempfile.TemporaryDirectory() as of_output:
        said = Path(of_output) / "said"
        said.touch()
        request = {
            "folder": str(folder),
            "words": list(map(str, words)),
            "environment": environment,
            "said": str(said),
        }
        print(json.dumps(request), file=server.stdin, flush=True)
        code = server.stdout.readline()
        assert code, "the process that forks has ended"
        return subprocess.CompletedProcess(words, int(code), said.read_text(errors="replace"))
