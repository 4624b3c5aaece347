"""Change the configuration of a study."""

from isojoule.study import reading


def changed(configuration, values, source="configuration"):
    """Return the configuration with other values at some keys, such as {"gpus.cpu.devices": 2}; None removes a key.

    The new configuration is checked, and refused where a value is wrong.
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
