"""The wire format: what a valid file gives, and that no offset leads outside of the file or makes it expensive."""

import struct

import flatbuffers
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.importers.flatbuffer import Flatbuffer, Table


def encoded() -> bytes:
    """Fields 0: int32 -7, 1: not stored, 2: text, 3: float32 vector, 4: two tables whose field 0 is 5 and 6."""
    builder = flatbuffers.Builder(64)
    text = builder.CreateString("zwölf")
    numbers = builder.CreateNumpyVector(np.array([1.5, -2], np.float32))
    tables = []
    for value in (5, 6):
        builder.StartObject(1)
        builder.PrependInt32Slot(0, value, 0)
        tables.append(builder.EndObject())
    builder.StartVector(4, 2, 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    vector = builder.EndVector()
    builder.StartObject(5)
    builder.PrependInt32Slot(0, -7, 0)
    for slot, offset in ((2, text), (3, numbers), (4, vector)):
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.Finish(builder.EndObject(), b"TEST")
    return bytes(builder.Output())


DATA = encoded()


def read_all(data: bytes) -> tuple[object, ...]:
    root = Flatbuffer(data, "file").root(b"TEST")
    return (
        root.int32(0),
        root.int32(1, 9),
        root.text(2),
        root.array(3, "<f4").tolist(),
        [table.int32(0) for table in root.tables(4, 10)],
        root.int32(5, 3),
    )


def test_a_valid_file_gives_what_was_written():
    assert read_all(DATA) == (-7, 9, "zwölf", [1.5, -2.0], [5, 6], 3)


def test_every_truncation_is_refused_in_one_line():
    # The last bytes of a flatbuffer only end a string.
    for length in range(len(DATA) - 4):
        with pytest.raises(SixfoldError, match=r"^file: [^\n]+$"):
            read_all(DATA[:length])


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(DATA) // 4 - 1), value=st.integers(0, 2**32 - 1))
def test_any_number_in_any_place_is_read_or_refused(at, value):
    data = bytearray(DATA)
    struct.pack_into("<I", data, 4 * at, value)
    try:
        read_all(bytes(data))
    except SixfoldError as error:
        assert "\n" not in str(error)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(min_size=0, max_size=64))
def test_any_bytes_are_read_or_refused(data):
    try:
        read_all(data[:4] + b"TEST" + data[4:])
    except SixfoldError as error:
        assert str(error).startswith("file: ")


def test_another_identifier_is_named():
    with pytest.raises(SixfoldError, match="no TFL3 file; bytes 4 to 8 are b'TEST'"):
        Flatbuffer(DATA, "file").root(b"TFL3")


def test_more_tables_than_the_limit_are_refused():
    with pytest.raises(SixfoldError, match="begins 2 tables; at most 1 are read"):
        Flatbuffer(DATA, "file").root(b"TEST").tables(4, 1)


def test_reading_the_same_bytes_again_and_again_is_refused():
    root = Flatbuffer(DATA, "file").root(b"TEST")
    with pytest.raises(SixfoldError, match="again and again"):
        for _ in range(len(DATA)):
            root.array(3, "<f4")


def test_overlapping_vectors_of_tables_cost_no_more_than_the_file_allows():
    # A vector of 10 000 references to one table, in turn reached through as many tables.
    count = 10_000
    tables = struct.pack("<HHHH", 6, 8, 4, 0) + struct.pack("<i", 8) + struct.pack("<I", 4) + struct.pack("<I", count)
    vector = b"".join(struct.pack("<I", 2**32 - 8 - 4 * index) for index in range(count))
    file = Flatbuffer(tables + vector, "file")
    opened = 0
    with pytest.raises(SixfoldError):
        while True:
            Table(file, 8)
            opened += 1
    assert opened <= len(file.data)


def test_an_array_is_a_view_of_the_file_and_cannot_be_changed():
    array = Flatbuffer(DATA, "file").root(b"TEST").array(3, "<f4")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
