"""Set up the environment .venv with pinned versions, in about ten lines; the rest of what is said goes to a log.

    make install

A set-up that was cut off begins anew. Downloads that pip has in its cache are not loaded twice.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
LOG = VENV / "install.log"
PINS = PROJECT / "envs" / "constraints.txt"
# a step that lasts says how far it is after so many seconds, and then after twice as many each time
NOTICE_S = 30
WORDS_OF_A_FULL_DISK = r"No space left on device|Disk quota exceeded|\[Errno (28|122)\]"
WORDS_OF_NO_COMPILER = (
    r"No such file or directory: '\S*(?:gcc|cc|g\+\+|clang)\S*'|command '\S+' failed: No such file|unable to execute|"
    r"[Nn]o C compiler|Python\.h: No such file"
)
WORDS_OF_NO_BUILD = r"Failed building (?:wheel|editable) for (\S+)|Failed to build (?:installable wheels.*\()?([\w.-]+)"
# what the network or a server on it may say
WORDS_OF_A_SERVER = (
    r"Connection refused|Network is unreachable|No route to host|Connection reset by peer|Name or service not known|"
    r"Temporary failure in name resolution|[Rr]ead timed out|timed out|certificate verify failed|"
    r"(?:4\d\d|5\d\d) (?:Client|Server) Error: [^:\n]+|Tunnel connection failed: [^'\")\n]+|IncompleteRead|"
    r"not a trusted or secure host|DO NOT MATCH THE HASHES"
)


@dataclass(frozen=True)
class Step:
    """One command of the set-up.

    Attributes:
        name: what it brings.
        took_s: how long it took on two cores, with the packages from a server nearby.
        packages: how many packages it looks for, of which it says how many it has.
        words: the command.
    """

    name: str
    took_s: float
    packages: int
    words: Sequence[str]


def steps() -> list[Step]:
    """Return the steps of the set-up in their order."""
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    pip += ["--no-input", "--progress-bar", "off", "-c", str(PINS)]
    pinned = sum("==" in line for line in PINS.read_text(encoding="utf-8").splitlines())
    return [
        Step("an empty environment", 4, 0, [sys.executable, "-m", "venv", str(VENV)]),
        Step("PyTorch", 27, 0, [*pip, "torch"]),
        Step("all other packages", 62, pinned, [*pip, "-e", f"{PROJECT}[test]"]),
    ]


class Output:
    """What the commands say: in a log, and of use to say how far they are and why one failed."""

    def __init__(self) -> None:
        self.text = ""
        self.is_whole = True
        self.doing, self._found = "", 0

    def begin(self) -> None:
        """Begin with a command."""
        self.text, self.doing, self._found = "", "", 0

    def add(self, line: str, packages: int) -> None:
        """Note a line, and keep it in the log while there is room for it."""
        self.text += line
        try:
            with LOG.open("a", encoding="utf-8") as log:
                log.write(line)
        except OSError:
            self.is_whole = False
        self._found += line.startswith(("Collecting ", "Processing "))
        if line.startswith("Installing collected packages: "):
            self.doing = f", now installing {line.count(',') + 1} packages"
        elif packages and self._found and "installing" not in self.doing:
            self.doing = f", found {self._found} of about {packages} packages"


def install() -> None:
    """Do all steps, and say how far they are and how long is left."""
    if (VENV / "installing").exists():
        print("the last set-up was cut off: this one begins anew")
        shutil.rmtree(VENV)
    VENV.mkdir(exist_ok=True)
    (VENV / "installed").unlink(missing_ok=True)
    (VENV / "installing").touch()
    LOG.write_text("", encoding="utf-8")
    all_steps, output, began_s = steps(), Output(), time.monotonic()
    print(
        f"setting up {VENV} with Python {platform.python_version()}: {len(all_steps)} steps, which took "
        f"{shown(sum(step.took_s for step in all_steps))} on two cores beside a fast server; "
        f"the whole output is in {LOG.relative_to(PROJECT)}"
    )
    for number, step in enumerate(all_steps, 1):
        here = f"step {number} of {len(all_steps)}, {step.name}"
        if code := run(step, here, output):
            fail(reason(output.text, code), output)
        done_s, known_s = time.monotonic() - began_s, sum(one.took_s for one in all_steps[:number])
        left_s = sum(one.took_s for one in all_steps[number:]) * done_s / known_s
        left = f", about {shown(left_s)} left at this pace" if left_s else ""
        print(f"{here}: done after {shown(done_s)}{left}")
    (VENV / "installing").rename(VENV / "installed")


def run(step: Step, here: str, output: Output) -> int:
    """Run the command of a step, say how far it is where it lasts, and return its exit code.

    Args:
        step: the step.
        here: the words for it.
        output: takes what the command says.
    """
    output.begin()
    began_s, is_done = time.monotonic(), threading.Event()

    def tell() -> None:
        wait_s = NOTICE_S
        while not is_done.wait(wait_s):
            print(f"{here}: {shown(time.monotonic() - began_s)} so far{output.doing}")
            wait_s *= 2

    threading.Thread(target=tell, daemon=True).start()
    try:
        with subprocess.Popen(
            step.words, cwd=PROJECT, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            for line in process.stdout or ():
                output.add(line, step.packages)
        return process.returncode
    finally:
        is_done.set()


def reason(text: str, code: int) -> str:
    """Return why a command failed and what to do, in a sentence.

    Args:
        text: what the command said.
        code: its exit code, negative where a signal ended it.
    """
    python = f"Python {platform.python_version()} on {platform.machine()}"
    index = re.search(r"Looking in indexes: ([^\s,]+)", text)
    server = f"the server of the packages{f' ({index[1]})' if index else ''}"
    if re.search(WORDS_OF_A_FULL_DISK, text):
        return (
            f"a disk is full: {VENV} has {room(VENV)} free and {tempfile.gettempdir()}, for what is loaded, "
            f"{room(Path(tempfile.gettempdir()))}; expected 3 GB and 2 GB: make room, or name another folder by TMPDIR"
        )
    if "No module named ensurepip" in text or "python3-venv" in text:
        return f"{sys.executable} has no venv: install it, on Debian and Ubuntu by apt install python3-venv"
    if found := re.search(WORDS_OF_NO_BUILD, text):
        name = (found[1] or found[2]).rstrip(",)")
        if re.search(WORDS_OF_NO_COMPILER, text):
            return (
                f"{name} must be compiled for {python}, and there is no C compiler with Python's headers: install "
                "them, on Debian and Ubuntu by apt install build-essential python3-dev, or name another Python by "
                "make install PYTHON=python3.12"
            )
        return f"{name} cannot be built for {python}: name another Python by make install PYTHON=python3.12"
    if found := re.search(WORDS_OF_A_SERVER, text):
        return (
            f"{server} does not give them ({found[0].strip()}): see whether the network is up, and whether "
            "PIP_INDEX_URL and the proxy are right"
        )
    if found := re.search(r"No matching distribution found for (\S+)|user requested \(constraint\) (\S+)", text):
        return (
            f"{server} has no {found[1] or found[2]} for {python}, or does not answer: see whether PIP_INDEX_URL is "
            "right, or name another Python by make install PYTHON=python3.12"
        )
    if code == -signal.SIGKILL:
        return "the system killed it, which it does where memory is short: close other programs"
    last = next((line for line in reversed(text.splitlines()) if "error" in line.lower()), "its last words are there")
    return f"a command ended with exit code {code}: {last.strip()}"


def unwritable(error: OSError) -> str:
    """Return in a sentence which file could not be read or written, and what to do."""
    return f"{error.filename or VENV}: {error.strerror}; expected a folder that you may write to"


def room(folder: Path) -> str:
    """Return how much a folder's disk has free, in words."""
    return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB"


def shown(duration_s: float) -> str:
    """Return a duration in words."""
    return f"{duration_s:.0f} s" if duration_s < 90 else f"{duration_s / 60:.1f} min"


def fail(sentence: str, output: Output | None = None) -> NoReturn:
    """Say why the set-up ends here, and leave."""
    log = f"; the whole output is in {LOG.relative_to(PROJECT)}" if output is not None else ""
    cut = ", which has no room for its end" if output is not None and not output.is_whole else ""
    sys.exit(f"error: {sentence}; then give the same command again{log}{cut}")


if __name__ == "__main__":
    # make's output may go to a file or a pipe, and its reader wants to see how far it is
    sys.stdout.reconfigure(line_buffering=True)
    os.environ["PYTHONUNBUFFERED"] = "1"
    try:
        install()
    except KeyboardInterrupt:
        print("stopped; the same command begins anew", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        fail(reason(str(error), 1) if re.search(WORDS_OF_A_FULL_DISK, str(error)) else unwritable(error))
