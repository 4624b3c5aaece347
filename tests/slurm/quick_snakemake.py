"""Snakemake that asks SLURM once a second what became of its jobs.

The plugin waits ten seconds longer each time that none has ended, which for jobs of seconds is most of the time.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def sleep(_executor):
    await asyncio.sleep(1)


RemoteExecutor.sleep = sleep
sys.exit(main())
