"""The serial application, built for this computer under sanitisers: every command, every refusal, and damaged lines."""

import re
import subprocess
import tomllib
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.cortex_m.compiler import generate_sources
from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.backends.cortex_m.toolchain import Kernels, build_host
from pipeline.graph.ir import Conv2D
from pipeline.graph.reference import execute
from tests.firmware.peer import FIRMWARE, ROOT, SANITIZERS, WARNINGS
from tests.firmware.serial_lines import damaged_lines
from tests.graph.graphs import random_inputs, small_mobilenet

GRAPH = small_mobilenet(1)
INPUTS = random_inputs(GRAPH, 8, 3)
CODES = execute(GRAPH, INPUTS, "fixed-point")
BYTES = INPUTS[0].size


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, build = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("build")
    generate_sources(GRAPH, model)
    return build_host(model, build, Kernels(), sanitize=True).with_name("host_serial")


@pytest.fixture(scope="module")
def rows_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network, which takes its input row by row only."""
    model, build = tmp_path_factory.mktemp("rows_model"), tmp_path_factory.mktemp("rows_build")
    engine = engine_for("streaming", "none", "rows")
    generate_sources(GRAPH, model, engine)
    return build_host(model, build, Kernels(engine.folder), sanitize=True).with_name("host_serial")


def answers(program: Path, *commands: str, arguments: tuple[str, ...] = ()) -> list[list[str]]:
    """Lines of each command's answer, without the ``m-ready`` that ends it; the greeting is left out."""
    sent = "".join(f"{command}%" for command in commands).encode("latin-1")
    return [lines for _, *lines in [["", *part] for part in split(talk(program, sent, *arguments))]][1:]


def talk(program: Path, sent: bytes, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], input=sent, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode("ascii")


def split(text: str) -> list[list[str]]:
    *parts, rest = text.split("m-ready\r\n")
    assert rest == ""
    return [part.splitlines() for part in parts]


def load(sample: np.ndarray) -> list[str]:
    data = (sample.astype(int) + 128).astype(np.uint8).tobytes()
    return [f"db load {len(data)}", *(f"db {data[at : at + 31].hex()}" for at in range(0, len(data), 31))]


def test_greeting_and_what_the_runner_asks_first(program: Path) -> None:
    assert split(talk(program, b"")) == [["m-init-done"]]
    name, profile, lap = answers(program, "name", "profile", "timestamp")
    assert name == ["m-name-dut-[Sixfold]"]
    assert profile == ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[other]"]
    assert re.fullmatch(r"m-lap-us-\d+", lap[0]) and len(lap) == 1


@pytest.mark.parametrize(("size", "classes", "model"), [(32, 10, "ic01"), (96, 2, "vww01"), (96, 3, "other")])
def test_the_benchmarks_models_are_known_by_their_size(size: int, classes: int, model: str, tmp_path: Path) -> None:
    generate_sources(small_mobilenet(0, size, 3, classes), tmp_path)
    sources = [*(FIRMWARE / "serial").glob("*.c"), *(FIRMWARE / "kernels" / "portable").glob("*.c")]
    sources += [FIRMWARE / "runtime" / "fault.c", FIRMWARE / "apps" / "host_serial.c", tmp_path / "model.c"]
    folders = [f"-I{folder}" for folder in (FIRMWARE / "include", FIRMWARE / "serial", tmp_path)]
    subprocess.run(["gcc", *WARNINGS, *folders, *sources, "-o", tmp_path / "program"], check=True)
    assert answers(tmp_path / "program", "profile")[0][1] == f"m-model-[{model}]"


@pytest.mark.parametrize("arguments", [(), ("no-copy",)])
def test_outputs_equal_the_reference_with_and_without_a_copy_of_the_input(
    program: Path, arguments: tuple[str, ...]
) -> None:
    check_outputs(program, arguments)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("no-copy",)])
def test_a_model_that_takes_rows_gives_the_same_outputs(rows_program: Path, arguments: tuple[str, ...]) -> None:
    check_outputs(rows_program, arguments)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("no-copy",)])
def test_a_model_that_takes_rows_times_its_layers_without_an_input(
    rows_program: Path, arguments: tuple[str, ...]
) -> None:
    first, *_, inferred, layers, again, shown = answers(
        rows_program, "layers", *load(INPUTS[0]), "infer 1 0", "layers", "infer 1 0", "db print 4", arguments=arguments
    )
    for lines in (first, layers):
        assert lines[0] == "m-ticks-hz-1000000000" and lines[-1] == "m-layers-done"
    assert inferred[-1].startswith("m-results-")
    kept = arguments == ()
    assert again[-1].startswith("m-results-" if kept else "e-[there is no whole input")
    assert shown[0].startswith("m-buffer-" if kept else "e-[there is no input at that offset]")


def check_outputs(program: Path, arguments: tuple[str, ...]) -> None:
    """Load every sample, run it several times, compare with the reference."""
    commands = [command for sample in INPUTS for command in (*load(sample), "infer 3 2", "codes")]
    got = answers(program, *commands, arguments=arguments)
    per_sample = len(got) // len(INPUTS)
    for index in range(len(INPUTS)):
        *_, loaded, inferred, codes = got[index * per_sample : (index + 1) * per_sample]
        assert loaded == ["m-load-done"]
        assert inferred[:3] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-3"]
        first, second = (int(line.removeprefix("m-lap-us-")) for line in inferred[3:5])
        assert first <= second
        assert inferred[5] == "m-infer-done" and inferred[6].startswith("m-results-[") and len(inferred) == 7
        assert codes == [f"m-codes-[{CODES[index].tobytes().hex()}]"]


def test_probabilities_are_those_of_the_logits_to_three_decimals(program: Path) -> None:
    output = GRAPH.tensors[GRAPH.output]
    for sample, codes in zip(INPUTS, CODES, strict=True):
        *_, (line,) = answers(program, *load(sample), "infer 1 0", "results")
        logits = output.scale * (codes.astype(float) - output.zero_point)
        expected = np.exp(logits - logits.max())
        expected /= expected.sum()
        match = re.fullmatch(r"m-results-\[((?:[01]\.\d{3},?)+)]", line)
        assert match
        np.testing.assert_allclose([float(p) for p in match[1].split(",")], expected, atol=0.0005 + 1e-6)


def test_input_can_be_read_back(program: Path) -> None:
    data = bytes(range(256))
    commands = ["db load 256", *(f"db {data[at : at + 31].hex()}" for at in range(0, 256, 31))]
    *_, default, some, end = answers(program, *commands, "db print", "db print 9 1", "db print 4000 250")
    assert default == ["m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-09-0a-0b-0c-0d-0e-0f"]
    assert some == ["m-buffer-01-02-03-04-05-06-07-08", "m-buffer-09"]
    assert end == ["m-buffer-fa-fb-fc-fd-fe-ff"]


def test_without_a_copy_the_input_serves_one_series(program: Path) -> None:
    *_, first, again, shown = answers(
        program, *load(INPUTS[0]), "infer 1 0", "infer 1 0", "db print", arguments=("no-copy",)
    )
    assert first[-1].startswith("m-results")
    assert again == ["e-[there is no whole input: db load, then db with its bytes]"]
    assert shown == ["e-[there is no input at that offset]"]


def test_layers_are_timed_one_by_one_by_name(program: Path) -> None:
    (lines,) = answers(program, "layers")
    assert lines[0] == "m-ticks-hz-1000000000" and lines[-1] == "m-layers-done"
    rows = [re.fullmatch(r"m-layer-\[(\d+) \d+ (\w+)]", line) for line in lines[1:-1]]
    assert [(int(row[1]), row[2]) for row in rows if row] == [
        (index, operator.name) for index, operator in enumerate(GRAPH.operators)
    ]


def test_the_model_and_the_firmware_say_who_they_are(program: Path) -> None:
    (digest, constants), version, fault = answers(program, "hash", "version", "fault")
    assert digest == f"m-hash-[{GRAPH.sha256()}]"
    assert re.fullmatch(r"m-constants-\[\d+ [0-9a-f]{8} intact]", constants)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert version == [f"m-version-[{project['version']}]", "m-watchdog-ms-0"]
    assert fault == ["m-fault-[none]", "m-boots-1"]


def test_a_changed_weight_is_found_and_nothing_is_inferred(program: Path, tmp_path: Path) -> None:
    stem = GRAPH.operators[0]
    assert isinstance(stem, Conv2D)
    data = bytearray(program.read_bytes())
    at = data.index(stem.weight.tobytes())
    data[at] ^= 1
    damaged = tmp_path / "damaged"
    damaged.write_bytes(data)
    damaged.chmod(0o755)
    refusal = r"e-\[the model in this board's memory is damaged: crc32 [0-9a-f]{8} instead of [0-9a-f]{8}, flash it a"
    greeting = split(talk(damaged, b""))[0]
    assert re.match(refusal, greeting[0]) and greeting[1:] == ["m-init-done"]
    *_, (inferred,), (layers,), hashed, codes = answers(
        damaged, *load(INPUTS[0]), "infer 1 0", "layers", "hash", "codes"
    )
    assert re.match(refusal, inferred) and re.match(refusal, layers)
    assert hashed[1].endswith(" damaged]")
    assert codes == ["e-[nothing was inferred yet]"]


def test_the_checksum_is_zlibs(program: Path, tmp_path: Path) -> None:
    generate_sources(GRAPH, tmp_path)
    arrays = re.findall(
        r"static const (int8_t|int32_t) \w+\[\d+] = \{(.*?)};", (tmp_path / "model.c").read_text(), re.DOTALL
    )
    data = b"".join(
        np.array([int(v) for v in values.replace("(-2147483647 - 1)", "-2147483648").split(",")])
        .astype({"int8_t": "i1", "int32_t": "<i4"}[kind])
        .tobytes()
        for kind, values in arrays
    )
    assert answers(program, "hash")[0][1] == f"m-constants-[{len(data)} {zlib.crc32(data):08x} intact]"


RUNS = "e-[infer takes 1..100000 inferences and 0..100000 warm-ups]"
SIZE = "e-[db load takes the number of bytes of one input: 256]"
PRINT = "e-[db print takes a number of bytes and an offset]"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("nonsense", "e-[unknown command; help lists them]"),
        ("m-ready", "e-[unknown command; help lists them]"),
        ("NAME", "e-[unknown command; help lists them]"),
        ("name x", "e-[this command takes no arguments]"),
        ("infer", "e-[there is no whole input: db load, then db with its bytes]"),
        ("infer 0 0", RUNS),
        ("infer 100001 0", RUNS),
        ("infer 1 100001", RUNS),
        ("infer -1 0", RUNS),
        ("infer 4294967297 0", RUNS),
        ("infer 1 0 0", RUNS),
        ("infer 1 0 0 0 0 0", RUNS),
        ("db", "e-[db needs load, print or hexadecimal digits]"),
        ("db load", SIZE),
        ("db load 255", SIZE),
        ("db load 0x100", SIZE),
        ("db load 256 1", SIZE),
        ("db 00", "e-[more bytes than one input has; begin with db load]"),
        ("db 0", "e-[db takes pairs of hexadecimal digits]"),
        ("db 0g", "e-[db takes pairs of hexadecimal digits]"),
        ("db 00 00", "e-[db takes one word of hexadecimal digits]"),
        ("db print", "e-[there is no input at that offset]"),
        ("db print x", PRINT),
        ("db print 1 x", PRINT),
        ("db print 1 1 1", PRINT),
        ("results", "e-[nothing was inferred yet]"),
        ("codes", "e-[nothing was inferred yet]"),
        ("fault clean", "e-[fault takes nothing, or clear]"),
        ("x" * 81, "e-[a command has at most 80 characters]"),
        ("x" * 100000, "e-[a command has at most 80 characters]"),
        ("na\0me", "e-[a command has printable characters only]"),
        ("na\x7fme", "e-[a command has printable characters only]"),
        ("\xff", "e-[a command has printable characters only]"),
    ],
)
def test_what_is_refused_is_one_line(program: Path, command: str, answer: str) -> None:
    refused, name = answers(program, command, "name")
    assert refused == [answer]
    assert name == ["m-name-dut-[Sixfold]"]


@pytest.mark.parametrize(
    "command", ["name", " name ", "\r\nname", "na\r\nme", "garbage\x03name", "x" * 81 + "\x03name"]
)
def test_line_breaks_spaces_and_ctrl_c_are_harmless(program: Path, command: str) -> None:
    assert answers(program, command) == [["m-name-dut-[Sixfold]"]]


def test_a_command_of_80_characters_is_whole(program: Path) -> None:
    *_, filled = answers(program, "db load 256", f"db {'a5' * 38} ", "db print 100")
    assert "-".join(line.removeprefix("m-buffer-") for line in filled) == "-".join(["a5"] * 38)


def test_bytes_beyond_the_input_are_refused_and_a_wrong_line_changes_nothing(program: Path) -> None:
    *_, odd, done, more = answers(program, *load(INPUTS[0])[:-1], "db 00zz", load(INPUTS[0])[-1], "db 00")
    assert odd == ["e-[db takes pairs of hexadecimal digits]"]
    assert done == ["m-load-done"]
    assert more == ["e-[more bytes than one input has; begin with db load]"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_every_percent_sign_is_answered_once_whatever_surrounds_it(program: Path, chunks: list[bytes]) -> None:
    sent = re.sub(rb"\d", b"", b"%".join(chunks))
    assert len(split(talk(program, sent))) == 1 + sent.count(b"%")


@pytest.mark.parametrize("arguments", [(), ("no-copy",)])
def test_after_thousands_of_damaged_lines_it_still_answers_correctly(program: Path, arguments: tuple[str, ...]) -> None:
    lines = damaged_lines(6, 3000)
    sent = b"".join(lines) + b"".join(f"{c}%".encode() for c in (*load(INPUTS[0]), "infer 1 0", "codes", "fault"))
    *before, codes, fault = split(talk(program, sent, *arguments))
    assert len(before) + 2 == 1 + sent.count(b"%")
    assert codes == [f"m-codes-[{CODES[0].tobytes().hex()}]"]
    assert fault == ["m-fault-[none]", "m-boots-1"]


def test_the_black_box_believes_nothing_that_it_did_not_write(tmp_path: Path) -> None:
    sources = [
        Path(__file__).with_name("black_box_test.c"),
        *(FIRMWARE / "serial" / f for f in ("black_box.c", "crc32.c")),
    ]
    folders = [f"-I{FIRMWARE / folder}" for folder in ("include", "serial")]
    subprocess.run(["gcc", *WARNINGS, *SANITIZERS, *folders, *sources, "-o", tmp_path / "program"], check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("good\n", "")
