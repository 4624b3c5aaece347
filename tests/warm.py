"""Starts of `isojoule` and of Snakemake that take no time to import libraries, which is most of what they do in tests.

A process imports them once and forks each start, with the words, folder, environment and streams of the process that
was to start (see `warm_start/sitecustomize.py`). The code of this project is imported anew each time. A start that is
to be killed, or looked at from outside, must be a cold one.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES = (
    "codecarbon", "cpuinfo", "deepspeed", "itables", "jinja2", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg", "matplotlib.figure", "moocore", "numpy",
    "pandas", "psutil", "pyarrow.parquet", "pydantic", "scipy.optimize", "scipy.stats", "sklearn.linear_model",
    "sklearn.metrics", "snakemake.cli", "snakemake.workflow", "soundfile", "soxr", "torch", "yaml",
)  # fmt: skip


def started(environment):
    """Return this environment with what has `isojoule` and `python -m snakemake` start warm in it."""
    paths = [str(HERE / "warm_start"), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths), "WARM_START": _address(os.getpid())}


@cache
def _address(_of_process: int) -> str:
    """Start the process that forks, one for each process of tests, and return its socket."""
    folder = tempfile.TemporaryDirectory(prefix="isojoule-warm-")
    address = f"{folder.name}/socket"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        # threads that wait do not spin, as where a study has them compute
        [sys.executable, "-P", __file__, address], env={**environment, "OMP_WAIT_POLICY": "passive"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(folder.cleanup)
    atexit.register(process.kill)
    # a library has something to say while it is imported
    assert "ready\n" in process.stdout, "the process that forks has ended"
    return address


def _serve(address):
    for name in LIBRARIES:
        importlib.import_module(name)
    # it imports Snakemake's plugins
    importlib.import_module("snakemake.cli").get_argument_parser()
    assert "isojoule" not in sys.modules
    # what is never looked at by the collector stays shared
    gc.collect()
    gc.freeze()
    # those that wait for a start to end are reaped by nobody
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        if not os.fork():
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(client)
            os._exit(0)
        client.close()


def _answer(client):
    """Start what a client asks for, and tell it the number of the process, then how it ended."""
    head, streams, *_ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as file:
        request = json.loads(file.read(int.from_bytes(head, "big")))
    if not (child := os.fork()):
        client.close()
        code = 1
        try:
            _become(request, streams)
            code = 0
        except SystemExit as ended:
            code = ended.code
        except BaseException:
            traceback.print_exc()
        _leave(code)
    for stream in streams:
        os.close(stream)
    client.sendall(f"{child}\n".encode())
    client.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


def _become(request, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.orig_argv, (_, *words) = request["words"], request["words"]
    if words[0] == "-m":
        sys.path[:] = [str(Path.cwd()), *request["path"]]
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[:] = [str(Path(words[0]).parent), *request["path"]]
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def _leave(code):
    """End as Python does, but without taking all that was imported apart, which takes a second."""
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    _serve(sys.argv[1])
