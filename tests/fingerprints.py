"""Fingerprints of a user's modules, as each new process makes them."""

from isojoule.study import code_fingerprint, module_files


def anew(entry, **keywords):
    """The fingerprint as a process makes it that knows nothing of the files yet."""
    for function in (*vars(code_fingerprint).values(), *vars(module_files).values()):
        if hasattr(function, "cache_clear"):
            function.cache_clear()
    return code_fingerprint.fingerprint(entry, **keywords)
