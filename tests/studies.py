"""Configurations of studies that differ from others."""

from isojoule.study import reading


def changed(configuration, values, source="configuration"):
    """The configuration with other values at some keys, such as {"gpus.cpu.devices": 2}; None takes a key away.

    It is checked anew, and refused where the values are wrong.
    """
    content = configuration.plain()
    for key, value in values.items():
        *parents, last = key.split(".")
        section = content
        for parent in parents:
            section = section[int(parent) if isinstance(section, list) else parent]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return reading.check(content, source)
