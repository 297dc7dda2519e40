"""The class that an artefact gave each test image, in a report: what another run's predictions can be paired with."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import SixfoldError
from pipeline.predictions_record import LINE, PredictionsRecord


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted classes of some of a list of images.

    Attributes:
        images_sha256: which list.
        images: its length.
        scored: indices into the list, ascending, int64 (n,).
        classes: predicted class indices, int64 (n,).
        labels: right class indices, int64 (n,), or None.
    """

    images_sha256: str
    images: int
    scored: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64] | None

    def record(self) -> PredictionsRecord:
        """For a report."""
        every = len(self.scored) == self.images
        return PredictionsRecord(
            images_sha256=self.images_sha256,
            images=self.images,
            scored=None if every else _lines(self.scored, "<u4"),
            classes=_lines(self.classes, "<u2"),
            labels=None if self.labels is None else _lines(self.labels, "<u2"),
        )

    @classmethod
    def read(cls, record: PredictionsRecord, where: str) -> "Predictions":
        """Unpack a record; `where` (file and field) starts the message.

        Raises:
            SixfoldError: not base64, or the arrays do not fit each other.
        """
        every = record.scored is None
        scored = np.arange(record.images) if record.scored is None else _array(record.scored, "<u4", where)
        classes = _array(record.classes, "<u2", where)
        labels = None if record.labels is None else _array(record.labels, "<u2", where)
        ascending = every or (bool((np.diff(scored) > 0).all()) and len(scored) and scored[-1] < record.images)
        if not ascending or len(classes) != len(scored) or (labels is not None and len(labels) != len(scored)):
            raise SixfoldError(f"{where}: scored, classes and labels do not fit each other; verify again")
        return cls(record.images_sha256, record.images, scored, classes, labels)


def digest(*arrays: npt.NDArray[Any]) -> str:
    """SHA-256 over the types, shapes and contents of arrays, as 64 hexadecimal digits."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(f"{array.dtype.str} {array.shape}\n".encode())
        state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()


def _lines(values: npt.NDArray[np.int64], kind: str) -> tuple[str, ...]:
    text = base64.b64encode(values.astype(kind).tobytes()).decode()
    return tuple(text[at : at + LINE] for at in range(0, len(text), LINE))


def _array(lines: tuple[str, ...], kind: str, where: str) -> npt.NDArray[np.int64]:
    try:
        data = base64.b64decode("".join(lines), validate=True)
        return np.frombuffer(data, kind).astype(np.int64)
    except ValueError as error:
        raise SixfoldError(f"{where}: not base64 of whole numbers ({error}); verify again") from error
