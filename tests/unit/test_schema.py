"""The published schemas are those of the code; `make schema` writes them."""

import json
from pathlib import Path

import pytest

from isojoule.cli.main import main

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"


@pytest.mark.parametrize(("what", "name"), [("records", "record"), ("configuration", "config")])
def test_a_published_schema_is_that_of_the_code(capsys, monkeypatch, what, name):
    monkeypatch.setattr("sys.argv", ["isojoule", "schema", what])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert capsys.readouterr().out == (SCHEMAS / f"{name}.schema.json").read_text()


def test_editors_are_told_every_key_and_no_null():
    schema = json.loads((SCHEMAS / "config.schema.json").read_text())
    sections = schema["$defs"]
    assert sections["Gpu"]["properties"]["precision"]["enum"] == ["fp32", "tf32", "bf16"]
    assert "spread" in sections["Analysis"]["properties"]["exclude_flags"]["items"]["enum"]
    workloads = [sections[branch["$ref"].rpartition("/")[2]] for branch in schema["oneOf"]]
    assert [workload["properties"]["workload"]["const"] for workload in workloads] == ["tagging", "waveflow"]
    assert "null" not in json.dumps(schema)
