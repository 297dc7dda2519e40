"""``--mean`` and ``--std``."""

from pipeline.errors import SixfoldError
from pipeline.preprocess import Normalization


def parse_normalization(mean: str | None, std: str | None) -> Normalization | None:
    """What ``--mean`` and ``--std`` say; None where neither is given.

    Raises:
        SixfoldError: one without the other, or no numbers.
    """
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise SixfoldError("--mean and --std belong together; give both or neither")
    try:
        return Normalization(*(tuple(float(part) for part in text.split(",")) for text in (mean, std)))
    except ValueError as error:
        raise SixfoldError(f"--mean, --std: {error}; write for example --mean 0.5,0.5,0.5") from error
