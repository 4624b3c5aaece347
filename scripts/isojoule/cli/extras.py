"""Which extra of the package, such as `isojoule[analysis]`, brings a module that a command imports."""

# by extra: the modules that are not there without it, and the distributions that they are of
EXTRAS = {
    "analysis": {
        "itables": "itables",
        "jinja2": "jinja2",
        "matplotlib": "matplotlib",
        "moocore": "moocore",
        "mpl_toolkits": "matplotlib",
        "numpy": "numpy",
        "pandas": "pandas",
        "pyarrow": "pyarrow",
        "scipy": "scipy",
        "sklearn": "scikit-learn",
        "threadpoolctl": "threadpoolctl",
        "vl_convert": "vl-convert-python",
    },
    "measure": {
        "codecarbon": "codecarbon",
        "cpuinfo": "py-cpuinfo",
        "deepspeed": "deepspeed",
        "numpy": "numpy",
        "pyarrow": "pyarrow",
        "pynvml": "nvidia-ml-py",
        "safetensors": "safetensors",
        "scipy": "scipy",
        "sklearn": "scikit-learn",
        "soundfile": "soundfile",
        "soxr": "soxr",
        "torch": "torch",
        "torchaudio": "torchaudio",
    },
}


def advice(module: str | None, command: str, *, measures: bool) -> str | None:
    """Say what to install so that a command finds a module that is missing.

    Args:
        module: what was imported and not found.
        command: the name of the subcommand.
        measures: whether the command measures or prepares a measurement; what both extras bring, such as numpy, it
            gets from `measure`, and any other command from `analysis`.

    Returns:
        one sentence; none where no extra brings the module, which is then missing for another reason.
    """
    preferred = ("measure", "analysis") if measures else ("analysis", "measure")
    for extra in preferred:
        if module in EXTRAS[extra]:
            return f"isojoule {command} needs {EXTRAS[extra][module]}: pip install 'isojoule[{extra}]'"
    return None
