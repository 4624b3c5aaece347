"""Check the configuration of a study, whichever its workload, and complete it by its defaults."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from pydantic import ValidationError

from isojoule.configuration.every_study import StudySections
from isojoule.configuration.sentences import refusal, shown
from isojoule.errors import InputError

Model = TypeVar("Model", bound=StudySections)


def check(content: Any, source: str, workloads: Collection[str], model_of: Callable[[str], type[Model]]) -> Model:
    """Make the configuration of these keys and values, with defaults for the other keys.

    Args:
        content: the parsed configuration.
        source: what the messages call the configuration.
        workloads: names of the workloads that there are.
        model_of: gives the model of a configuration by the name of its workload.

    Raises:
        InputError: a key is unknown, missing or wrong; the message names every such key, what was found and what was
            expected.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: found {shown(content)}, expected keys such as study, dataset, gpus")
    if "workload" not in content:
        raise InputError(f"{source}: workload: missing")
    if (workload := content["workload"]) not in workloads:
        raise InputError(f"{source}: workload: found {shown(workload)}, expected one of {', '.join(workloads)}")
    model = model_of(workload)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise refusal(error, model, source) from error
