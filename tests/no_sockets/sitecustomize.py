"""Lets programs with this folder on their path write down who connects a socket or asks for an address, and where to.

Python tells of its own sockets alone: libraries below it, such as the one by which the processes of a team share
gradients, are not seen.
"""

import os
import sys
from pathlib import Path

EVENTS = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def heard(event, arguments):
    if event in EVENTS:
        with Path(os.environ["SOCKETS_LOG"]).open("a") as log:
            print(event, *arguments[-2:], "by", *sys.orig_argv, file=log)


if "SOCKETS_LOG" in os.environ:
    sys.addaudithook(heard)
