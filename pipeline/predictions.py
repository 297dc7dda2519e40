"""The class that an artefact gave each test image, in a report: what another run's predictions can be paired with."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from pipeline.errors import SixfoldError
from pipeline.validation import Checked

#: Characters of a line of base64: 72 bytes.
_LINE = 96

Lines = Annotated[tuple[Annotated[str, Field(max_length=_LINE)], ...], Field(max_length=2**16)]


class PredictionsRecord(Checked):
    """:class:`Predictions` as JSON holds them. Arrays are base64 of little-endian integers, cut into lines.

    Attributes:
        images_sha256: of the images and labels; equal hashes mean that image i is the same in both.
        images: how many there are.
        scored: which of them were predicted (32 bits each); None for all.
        classes: predicted class indices (16 bits each).
        labels: right class indices (16 bits each); None where nobody knows them.
    """

    images_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    images: Annotated[int, Field(ge=1, lt=2**24)]
    scored: Lines | None
    classes: Lines
    labels: Lines | None


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
    return tuple(text[at : at + _LINE] for at in range(0, len(text), _LINE))


def _array(lines: tuple[str, ...], kind: str, where: str) -> npt.NDArray[np.int64]:
    try:
        data = base64.b64decode("".join(lines), validate=True)
        return np.frombuffer(data, kind).astype(np.int64)
    except ValueError as error:
        raise SixfoldError(f"{where}: not base64 of whole numbers ({error}); verify again") from error
