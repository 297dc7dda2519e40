"""How much a protobuf message will unpack to, found out before it is unpacked.

An empty submessage takes two bytes of a file and some hundred of memory, a number in a packed list one and eight: a
file of 40 MB can ask for gigabytes. A network has a few thousand fields, and nearly all of its bytes are weights, which
stay as they are. So fields are counted first, without keeping any. Source: the encoding's description at protobuf.dev.
"""

from typing import Any, NoReturn

from pipeline.errors import SixfoldError

#: Fields of all messages together; a MobileNetV2 in QDQ form has about 15 000.
MOST_FIELDS = 200_000
#: Bytes of packed numbers together; all weights of a MobileNetV2 stored in this way take 7 MB.
MOST_PACKED = 16 * 2**20
#: Messages within messages; protobuf's own limit is 100.
_DEEPEST = 64

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def check_size(data: bytes, descriptor: Any, where: str) -> None:
    """Refuse a message that unpacks to far more than its bytes.

    Args:
        data: an encoded message.
        descriptor: of its type, from generated code.
        where: the file, for the message.

    Raises:
        SixfoldError: malformed, nested too deep, or with more fields or packed numbers than any network has.
    """
    fields = packed = 0
    waiting = [(0, len(data), descriptor, 0)]
    while waiting:
        position, end, message, depth = waiting.pop()
        if depth > _DEEPEST:
            raise SixfoldError(f"{where}: more than {_DEEPEST} messages within one another")
        while position < end:
            tag, position = _varint(data, position, end, where)
            start, position = _skip(data, position, end, tag & 7, where)
            fields += 1
            field = message.fields_by_number.get(tag >> 3) if tag & 7 == _LENGTH else None
            if field is not None and field.message_type is not None:
                waiting.append((start, position, field.message_type, depth + 1))
            elif field is not None and field.type not in (field.TYPE_STRING, field.TYPE_BYTES):
                packed += position - start
            if fields > MOST_FIELDS or packed > MOST_PACKED:
                raise SixfoldError(f"{where}: more parts than any network has; it would take gigabytes of memory")


def _skip(data: bytes, position: int, end: int, kind: int, where: str) -> tuple[int, int]:
    """Where the field's value begins and ends."""
    start = position
    if kind == _VARINT:
        _, position = _varint(data, position, end, where)
    elif kind == _LENGTH:
        length, start = _varint(data, position, end, where)
        position = start + length
    elif kind in (_FIXED32, _FIXED64):
        position += 4 if kind == _FIXED32 else 8
    else:
        _malformed(where)
    if position > end:
        _malformed(where)
    return start, position


def _varint(data: bytes, position: int, end: int, where: str) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= end or shift >= 70:
            _malformed(where)
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _malformed(where: str) -> NoReturn:
    raise SixfoldError(f"{where}: not an ONNX file, or truncated")
