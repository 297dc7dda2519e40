"""Normalisation and labels of TensorFlow Lite's own metadata, and archives that are damaged or hostile."""

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest

from pipeline.errors import SixfoldError
from pipeline.importers.model_file import Overrides, read_model
from pipeline.preprocess import Normalization
from tests.importers.files import changed, labels_of, small, standard_metadata, uint8_ends, with_metadata

NORMALIZATION = Overrides(Normalization((0.5,), (0.5,)))


def refused(data: bytes, overrides: Overrides = NORMALIZATION) -> str:
    with pytest.raises(SixfoldError) as error:
        read_model(data, "file", overrides)
    assert str(error.value).isprintable()
    return str(error.value)


def with_archive(name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """small() whose metadata name labels.txt, behind it an archive with one file."""

    def change(model: Any) -> None:
        buffer = type(model.buffers[0])()
        buffer.data = np.frombuffer(standard_metadata(), np.uint8)
        model.buffers.append(buffer)
        model.metadata[0].name, model.metadata[0].buffer = "TFLITE_METADATA", len(model.buffers) - 1

    network = small()
    network.model.add_metadata("placeholder", b"x")
    stream = io.BytesIO(changed(network.finish(), change))
    with zipfile.ZipFile(stream, "a", compression) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def test_normalisation_and_labels_are_found():
    metadata = read_model(with_metadata(uint8_ends().finish()), "file").graph.metadata
    assert json.loads(metadata["sixfold.mean"]) == [0.5] * 3
    assert json.loads(metadata["sixfold.std"]) == [0.5] * 3
    assert labels_of(metadata) == [f"class {index}" for index in range(5)]


def test_without_normalisation_the_user_is_asked():
    assert refused(small().finish(), Overrides()).startswith(
        "file: does not say how its input is normalised; give --mean and --std"
    )


def test_the_users_word_counts_more(tmp_path):
    labels = tmp_path / "names.txt"
    labels.write_text("ä\nb\nc\n\n", encoding="utf-8")
    overrides = Overrides(Normalization((0.25,), (0.125,)), labels)
    metadata = read_model(with_metadata(small().finish()), "file", overrides).graph.metadata
    assert metadata["sixfold.mean"] == "[0.25]"
    assert labels_of(metadata) == ["ä", "b", "c"]


def test_unnamed_classes_are_numbered_and_said_so():
    imported = read_model(small().finish(), "file", NORMALIZATION)
    assert labels_of(imported.graph.metadata) == ["0", "1", "2"]
    assert "names no classes; they are numbered (--labels names them)" in imported.notes


def test_another_number_of_labels_or_channels_is_refused(tmp_path):
    labels = tmp_path / "names.txt"
    labels.write_text("a\nb\n", encoding="utf-8")
    message = refused(small().finish(), Overrides(NORMALIZATION.normalization, labels))
    assert message == f"{labels}: 2 labels for 3 classes; give --labels"
    message = refused(small().finish(), Overrides(Normalization((0.5,) * 3, (0.5,) * 3)))
    assert message == "file: mean and std are for 3 channels, its input has 1"


def test_labels_that_are_no_text_are_refused(tmp_path):
    labels = tmp_path / "names.txt"
    labels.write_bytes(b"a\n\xff\nc\n")
    assert "labels are no UTF-8 text" in refused(small().finish(), Overrides(NORMALIZATION.normalization, labels))
    with pytest.raises(SixfoldError, match="cannot be read"):
        read_model(small().finish(), "file", Overrides(NORMALIZATION.normalization, tmp_path / "absent"))


@pytest.mark.parametrize("std", [(0.0,), (float("nan"),), (1.0, 1.0), ()])
def test_an_impossible_normalisation_is_refused(std):
    def change(model: Any) -> None:
        entry = next(e for e in model.metadata if e.name == "TFLITE_METADATA")
        model.buffers[entry.buffer].data = np.frombuffer(standard_metadata(std=std), np.uint8)

    message = refused(with_metadata(small().finish(), change), Overrides())
    assert message.startswith("file: metadata TFLITE_METADATA: normalisation: ")


def test_labels_that_the_archive_lacks_are_refused():
    assert refused(with_archive("other.txt", b"a\nb\nc")).endswith("not in the archive that the file ends with")


def test_a_missing_archive_is_refused():
    data = with_metadata(small().finish())
    assert (
        refused(data[: data.index(b"PK\x03\x04")]) == "file: labels 'labels.txt': the file does not end with an archive"
    )


def test_a_decompression_bomb_is_refused():
    data = with_archive("labels.txt", bytes(200 << 20))
    assert len(data) < 300_000
    assert refused(data).endswith("more than 1048576 bytes of labels")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_ask_for_large_dictionaries_are_refused(compression):
    assert refused(with_archive("labels.txt", b"a\nb\nc", compression)).endswith("neither stored nor deflated")


def test_a_large_directory_is_refused():
    data = bytearray(with_archive("labels.txt", b"a\nb\nc"))
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (2**20).to_bytes(4, "little")
    assert "directory has more than 65536 bytes" in refused(bytes(data))


def test_a_64_bit_directory_is_refused():
    data = with_archive("labels.txt", b"a\nb\nc")
    end = data.rindex(b"PK\x05\x06")
    locator = b"PK\x06\x07" + bytes(16)
    assert "directory has more than 65536 bytes" in refused(data[:end] + locator + data[end:])


@pytest.mark.parametrize("at", range(0, 120, 3))
def test_a_damaged_archive_gives_labels_or_a_line(at):
    data = bytearray(with_archive("labels.txt", b"a\nb\nc"))
    start = data.index(b"PK\x03\x04")
    data[start + at % (len(data) - start)] ^= 0xFF
    try:
        read_model(bytes(data), "file", NORMALIZATION)
    except SixfoldError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[1]", "nonsense", "1" * 5000])
def test_damaged_names_of_operators_are_refused(text):
    network = small()
    network.model.add_metadata("sixfold.unweighted_operators", text.encode())
    assert "metadata sixfold.unweighted_operators: not " in refused(network.finish())


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "nonsense", "1" * 5000])
def test_damaged_metadata_of_our_own_are_refused(text):
    network = small()
    network.model.add_metadata("sixfold.labels", text.encode())
    assert "metadata sixfold.labels: not " in refused(network.finish())
