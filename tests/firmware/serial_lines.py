"""Commands as a serial line delivers them on a bad day: random bytes and damaged commands, the same for a seed."""

import random
import re
from collections.abc import Iterator

COMMANDS = (
    b"name",
    b"profile",
    b"timestamp",
    b"help",
    b"db load 256",
    b"db load 257",
    b"db 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
    b"db print 16 240",
    b"infer 1 0",
    b"infer 2 3",
    b"results",
    b"codes",
    b"layers",
    b"hash",
    b"version",
    b"memory",
    b"fault",
)

#: Runs that a damaged `infer` may ask for: more is obeyed too, and takes its time.
MOST_RUNS = 20


def damaged_lines(seed: int, count: int) -> list[bytes]:
    """`count` chunks of bytes; each ends with ``%`` and may have more of them inside."""
    rng = random.Random(seed)
    # Few long ones: a byte costs an emulator's serial port more than a processor.
    kinds = (*3 * (_noise,), *3 * (_text,), *9 * (_mutated,), _long)
    lines: list[bytes] = []
    while len(lines) < count:
        line = rng.choice(kinds)(rng) + b"%"
        if not any(runs > MOST_RUNS for runs in _runs(line)):
            lines.append(line)
    return lines


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(40))


def _text(rng: random.Random) -> bytes:
    return bytes(rng.choice(b" 0123456789abcdefinrdbl-[]m\r\n%") for _ in range(rng.randrange(40)))


def _long(rng: random.Random) -> bytes:
    return rng.choice(COMMANDS) + rng.choice(b" 0fz").to_bytes() * rng.randrange(60, 120)


def _mutated(rng: random.Random) -> bytes:
    line = bytearray(rng.choice(COMMANDS))
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(line) + 1)
        match rng.randrange(5):
            case 0:
                line[at:at] = rng.randbytes(rng.randrange(1, 4))
            case 1:
                del line[at : at + rng.randrange(1, 4)]
            case 2:
                line[at : at + 1] = bytes([rng.choice(b"0123456789 %-\x00\x03\xff")])
            case 3:
                line[at:at] = line[: rng.randrange(len(line) + 1)]
            case _:
                line[at:at] = rng.choice((b" ", b"4294967296", b"-1", b"0x10", b" 99999999999999999999"))
    return bytes(line)


def _runs(chunk: bytes) -> Iterator[int]:
    """Runs that the commands in a chunk ask for, the numbers read as the firmware reads them."""
    for command in chunk.replace(b"\r", b"").replace(b"\n", b"").split(b"%"):
        match = re.fullmatch(rb" *infer(?: +(\d+))?(?: +(\d+))? *", command.rpartition(b"\x03")[2])
        if match:
            yield int(match[1] or 1) + int(match[2] or 10)
