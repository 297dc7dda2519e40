"""The size of a message is known before it is unpacked."""

import onnx
import pytest

from pipeline.errors import SixfoldError
from pipeline.graph.qdq import int8_qdq
from pipeline.importers import protobuf
from pipeline.importers.onnx_model import read_onnx
from pipeline.importers.protobuf import check_size
from tests.graph.graphs import small_mobilenet


def varint(value: int) -> bytes:
    low = bytes([value & 127])
    return low if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def refused(data: bytes) -> str:
    with pytest.raises(SixfoldError) as error:
        read_onnx(data, "file")
    return str(error.value)


def test_a_network_is_far_below_the_limits(monkeypatch):
    data = int8_qdq(small_mobilenet(1)).SerializeToString()
    monkeypatch.setattr(protobuf, "MOST_FIELDS", 3000)
    monkeypatch.setattr(protobuf, "MOST_PACKED", 0)
    check_size(data, onnx.ModelProto.DESCRIPTOR, "file")


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(field(1, b"") * 1_000_000, id="nodes"),
        pytest.param(field(1, field(5, b"") * 1_000_000), id="attributes"),
        pytest.param(field(1, field(1, b"") * 1_000_000), id="names of inputs"),
        pytest.param(field(5, field(1, b"\1") * 1_000_000), id="axes one by one"),
        pytest.param(field(5, field(7, b"\1" * (17 << 20))) + field(2, b""), id="packed numbers"),
    ],
)
def test_what_would_unpack_to_gigabytes_is_refused(graph):
    assert refused(b"\x08\x08" + field(7, graph)) == (
        "file: more parts than any network has; it would take gigabytes of memory"
    )


def test_messages_within_messages_end_somewhere():
    graph = b""
    for _ in range(100):
        graph = field(1, field(5, field(6, graph)))
    assert refused(b"\x08\x08" + field(7, graph)) == "file: more than 64 messages within one another"


@pytest.mark.parametrize("data", [b"\xff" * 20, b"\x3a\x7f", b"\x08", b"\x0b", b"\x0d\0\0", b"\x09\0"])
def test_malformed_fields_are_refused(data):
    assert refused(data) == "file: not an ONNX file, or truncated"
