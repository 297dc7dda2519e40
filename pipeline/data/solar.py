"""`solar`: 2 624 electroluminescence photographs of solar cells, sound or with a defect, from package elpv-dataset.

Buerhop-Lutz et al., *A Benchmark for Visual Identification of Defective Solar Cells in Electroluminescence Imagery*,
EU PVSEC 2018. Its licence permits no commercial use, so the package is fetched on demand and never copied.
"""

from pipeline.data.decode import decode
from pipeline.data.source import Image, Item, Source
from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel

PACKAGE = "elpv-dataset"
LICENCE = "elpv-dataset, S. Deitsch et al.: CC BY-NC-SA 4.0 (no commercial use)"
CLASSES = ("functional", "defective")
# Experts gave each cell a probability of 0, 1/3, 2/3 or 1.
DEFECTIVE_FROM = 0.5


def open_solar(image_size: int, channels: int) -> Source:
    """The cells as grey squares; the package is downloaded at the first call and its licence printed at every one.

    Raises:
        SixfoldError: the package cannot be fetched, or its table is not as expected.
    """
    print(f"licence: {LICENCE}")
    data = fetch_wheel(PACKAGE) / "elpv_dataset" / "data"
    table = data / "labels.csv"
    items = []
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            name, probability, _cell = line.split()
            items.append(Item(name, int(float(probability) >= DEFECTIVE_FROM)))
        except ValueError as error:
            raise SixfoldError(f"{table}:{number}: expected `image probability type` ({error})") from error

    def read(index: int) -> Image:
        return decode(data / items[index].name, image_size, channels)

    return Source("solar", CLASSES, tuple(items), read, LICENCE)
