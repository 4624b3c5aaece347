"""Tables of measurements that others made, as text, and how they are refused."""

import pytest

from isojoule.errors import InputError
from isojoule.tables import measurements, models

HEADER = "gpu,architecture,phase,repeat,energy_kwh,duration_s,params,flops,macro_f1,emissions_kg_co2e"
ROWS = [
    f"a40,m{number},train,0,0.{number + 1},10,{10 + number},{100 + number},0.{number + 1},0.01" for number in range(4)
]


def read_models(path):
    return models.read(path, ["energy_kwh", "macro_f1"], costs=["energy_kwh"])[0]


def table(*rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


def refusal(tmp_path, content, read=measurements.read):
    path = tmp_path / "theirs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(str(path))
    return str(refused.value).removeprefix(f"{path}: ")
