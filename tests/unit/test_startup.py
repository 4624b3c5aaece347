import os
import subprocess
import sys

import cpuinfo
import pytest

from isojoule.records import provenance


def test_the_cpu_is_called_as_cpuinfo_calls_it():
    found = cpuinfo.get_cpu_info().get("brand_raw")
    if provenance.cpu_model() is None:
        pytest.skip("the kernel gives no model name here")
    assert provenance.cpu_model() == found


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("isojoule.study.cells", ["torch", "pandas", "numpy"]),
        ("isojoule.tables.aggregation", ["torch"]),
        ("isojoule.figures.captions", ["torch"]),
        ("isojoule.report.page", ["torch"]),
        ("isojoule.measuring.cell", ["pandas", "sklearn", "matplotlib"]),
    ],
)
def test_a_stage_imports_what_it_uses(module, absent):
    code = f"import sys, {module}; print(*(name for name in {absent!r} if name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""
