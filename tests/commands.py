"""Commands of `isojoule`, in the process of the tests where that is enough: another one takes a second to start.

Every command is a process of its own somewhere: the rules of the workflow call most of them, `process` the others.
"""

import os
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from isojoule.cli import main


def isojoule(*words, cwd=None):
    """Run `isojoule WORDS` in the folder `cwd`, and return its exit code and what it printed.

    An exception that the command does not turn into a sentence fails the test, as a traceback would.
    """
    printed, errors = StringIO(), StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with (
        chdir(cwd or Path.cwd()),
        redirect_stdout(printed),
        redirect_stderr(errors),
        # a command that computes leaves its process without taking it apart
        mock.patch.object(os, "_exit", sys.exit),
    ):
        try:
            main.main(list(map(str, words)))
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            signal.signal(signal.SIGTERM, handler)
    return subprocess.CompletedProcess(words, code, printed.getvalue(), errors.getvalue())


def process(*words, **options):
    """Run the same as a process of its own."""
    command = [sys.executable, "-m", "isojoule", *map(str, words)]
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)
