"""Predicted classes as JSON holds them; :mod:`pipeline.predictions` packs and reads them.

Apart from that module, so that whoever only passes a report on need not wait for NumPy.
"""

from typing import Annotated

from pydantic import Field

from pipeline.validation import Checked

#: Characters of a line of base64: 72 bytes.
LINE = 96

Lines = Annotated[tuple[Annotated[str, Field(max_length=LINE)], ...], Field(max_length=2**16)]


class PredictionsRecord(Checked):
    """:class:`pipeline.predictions.Predictions`. Arrays are base64 of little-endian integers, cut into lines.

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
