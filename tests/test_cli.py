import hashlib
import json
import shlex
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline import cli, errors
from pipeline.cli import doctor
from pipeline.cli.app import COMMANDS, EXIT_CODES
from pipeline.cli.arguments import Json
from pipeline.cli.doctor import Finding, Tool
from pipeline.paths import INT8_MODEL, artefact_folder
from pipeline.report.markdown import markers
from pipeline.stages import compile as compile_stage
from pipeline.stages import verify as verify_stage
from pipeline.targets import load_target
from pipeline.tool_environments import tool_environment
from tests.report.repository import TARGETS, make_repository, target_report, write


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in a repository with results, a model and artefacts, which nobody opens."""
    monkeypatch.chdir(tmp_path)
    root = make_repository(tmp_path)
    INT8_MODEL.parent.mkdir(exist_ok=True)
    INT8_MODEL.touch()
    for name in TARGETS:
        artefact_folder(name).mkdir(parents=True, exist_ok=True)
    return root


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `sixfold` with `arguments` as the console does; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["sixfold", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code if isinstance(ended.value.code, int) else 0


def test_help_documents_the_exit_codes_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from pipeline.cli import app\n"
        "print(CliRunner().invoke(app, ['--help']).output)\n"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'openvino', 'numpy', 'matplotlib', 'pydantic', 'dvc'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = " ".join(done.stdout.split())
    assert all(f"{code} {meaning}" in printed for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0 and "Usage:" in result.output
    assert all(f"  {line}\n" in result.output for line in COMMANDS[command].EXAMPLES)


@pytest.mark.parametrize("line", [line for module in COMMANDS.values() for line in module.EXAMPLES])
def test_each_example_is_a_command_line_that_parses(line: str) -> None:
    group = typer.main.get_command(cli.app)
    for part in line.split("&&"):
        program, name, *arguments = shlex.split(part)
        assert program == "sixfold"
        command = group.get_command(typer.Context(group), name)  # type: ignore[attr-defined]
        command.make_context(name, arguments)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["build"], ["build", "a", "b"], ["targets", "--nonsense"], ["targets", "--params"]]
)
def test_wrong_usage_is_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", [["build", "nope"], ["verify", "nope"], ["targets", "--params", "nope"]])
def test_an_unknown_target_is_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert run(monkeypatch, *command) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: targets/nope.yaml: no such target") and error.count("\n") == 1


@pytest.mark.parametrize("command", [["targets"], ["build", "mps2-an386"], ["verify", "mps2-an386"], ["report"]])
def test_a_wrong_key_in_a_target_file_is_one_line_and_code_2(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    with (repository / "targets/mps2-an386.yaml").open("a") as stream:
        stream.write("colour: green\n")
    assert run(monkeypatch, *command) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: targets/mps2-an386.yaml: colour: unknown key") and error.count("\n") == 1


@pytest.mark.parametrize("command", [["targets"], ["doctor"], ["report"]])
def test_outside_a_repository_it_says_what_is_missing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (repository / "params.yaml").unlink()
    assert run(monkeypatch, *command) == 2
    assert capsys.readouterr().err == "error: params.yaml: not found\n"


def test_targets_lists_all_with_their_last_result(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "reports/host-openvino.json").unlink()
    assert run(monkeypatch, "targets") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in TARGETS) and "\x1b" not in printed
    assert "not verified" in printed and "passed, 97.50" in printed and "4\u00a0MiB + 4\u00a0MiB" in printed


def test_targets_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "targets", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["mps2-an386"]["enabled"] is True and rows["mps2-an386"]["memory"]["flash"] == 4 * 1024**2
    assert rows["mps2-an386"]["last"]["parity"]["mismatched"] == 0
    assert "predictions" not in rows["mps2-an386"]["last"]


def test_a_target_enabled_without_a_file_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "targets/mps2-an386.yaml").unlink()
    assert run(monkeypatch, "targets") == 2
    assert capsys.readouterr().err == "error: params.yaml: targets: mps2-an386: no such file in targets/\n"


def test_params_prints_the_lines_to_paste(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "targets", "--params", "mps2-an386") == 0
    printed = capsys.readouterr().out
    assert printed in Path("params.yaml").read_text() and printed.count("\n") == 4


def test_build_and_verify_call_the_stages(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[tuple[str | None, ...]] = []

    def compile_target(name: str) -> None:
        print("a stage's prose")
        (repository / "artifacts" / name / "model.c").write_text("int\n")
        called.append(("build", name))

    def verify_target(name: str, port: str | None, images: object) -> None:
        assert images is None
        called.append(("verify", name, port))

    monkeypatch.setattr(compile_stage, "compile_target", compile_target)
    monkeypatch.setattr(verify_stage, "verify_target", verify_target)
    assert run(monkeypatch, "build", "mps2-an386", "--json") == 0
    built = json.loads(capsys.readouterr().out)
    assert built["files"]["model.c"] == {"bytes": 4, "sha256": hashlib.sha256(b"int\n").hexdigest()}
    assert run(monkeypatch, "verify", "host-openvino") == 0
    assert capsys.readouterr().out.startswith("host-openvino: passed, 97.50")
    write(repository / "reports/boards/mps2-an386.json", target_report("mps2-an386"))
    assert run(monkeypatch, "verify", "mps2-an386", "--port", "/dev/ttyACM0", "--json") == 0
    assert json.loads(capsys.readouterr().out) == target_report("mps2-an386")
    assert called == [
        ("build", "mps2-an386"),
        ("verify", "host-openvino", None),
        ("verify", "mps2-an386", "/dev/ttyACM0"),
    ]


def test_a_failed_verification_prints_its_report_and_exits_with_1(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = target_report("mps2-an386", budget={"passed": False, "violations": ["too large"]})

    def verify_target(name: str, port: str | None, images: object) -> None:
        write(repository / f"reports/{name}.json", failed)
        raise errors.GateFailedError(f"{name}: too large")

    monkeypatch.setattr(verify_stage, "verify_target", verify_target)
    assert run(monkeypatch, "verify", "mps2-an386", "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == failed and captured.err == "failed: mps2-an386: too large\n"


def test_only_microcontrollers_have_a_port(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "verify", "host-openvino", "--port", "/dev/ttyACM0") == 2
    assert "host-openvino: --port is for microcontrollers, its backend is openvino" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (errors.GateFailedError("3 codes differ"), 1, "failed: 3 codes differ"),
        (errors.SixfoldError("a.onnx: damaged"), 2, "error: a.onnx: damaged"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_a_command_ends(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: BaseException,
    code: int,
    line: str,
) -> None:
    def fail(name: str, port: str | None, images: object) -> None:
        raise failure

    monkeypatch.setattr(verify_stage, "verify_target", fail)
    assert run(monkeypatch, "verify", "mps2-an386") == code
    assert capsys.readouterr().err.strip() == line


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, port: str | None, images: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verify_stage, "verify_target", fail)
    monkeypatch.setattr(sys, "argv", ["sixfold", "verify", "mps2-an386"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_report_writes_the_page_and_the_readme(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "README.md").write_text("\n".join(markers("targets")))
    assert run(monkeypatch, "report", "--update-readme") == 0
    assert (repository / "site/index.html").is_file()
    assert "`mps2-an386`" in (repository / "README.md").read_text()
    assert "mps2-an386" in capsys.readouterr().out


def test_report_as_json_is_what_the_table_says_and_nothing_else(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"passed": False, "violations": ["too large"]}
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", budget=failed))
    (repository / "reports/host-openvino.json").unlink()
    assert run(monkeypatch, "report", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert all((repository / page).is_file() for page in printed["pages"])
    rows = {row["target"]: row for row in printed["targets"]}
    results = {name: rows[name]["result"] for name in TARGETS}
    assert results == {"host-onnxruntime": "passed", "host-openvino": "not-verified", "mps2-an386": "failed"}
    assert rows["host-openvino"]["report"] is None
    assert rows["mps2-an386"]["report"]["budget"]["violations"] == ["too large"]
    assert "predictions" not in rows["mps2-an386"]["report"]
    assert printed["models"] == [rows["mps2-an386"]["report"]["model"]["sha256"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json(command: str) -> None:
    assert any(parameter.annotation is Json for parameter in signature(COMMANDS[command].command).parameters.values())


def test_a_table_shows_a_failed_target(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"passed": False, "violations": ["accuracy drops 0.90 points, the budget is 0.5"]}
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", budget=failed))
    assert run(monkeypatch, "report") == 0
    printed = capsys.readouterr().out
    assert "mps2-an386: accuracy drops 0.90 points" in printed and "site/index.html: the page" in printed
    assert "own arithmetic" not in printed


def test_a_table_says_why_exact_targets_differ(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = {**target_report("host-onnxruntime")["accuracy"], "int8": 0.976}
    write(repository / "reports/host-onnxruntime.json", target_report("host-onnxruntime", accuracy=accuracy))
    assert run(monkeypatch, "report") == 0
    assert (
        "exact is against the int8 reference of a target's own arithmetic. float requantisation: host-onnxruntime, "
        "host-openvino; fixed point: mps2-an386"
    ) in " ".join(capsys.readouterr().out.split())


def test_doctor_fails_only_on_what_an_enabled_target_needs(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert run(monkeypatch, "doctor") == 1
    captured = capsys.readouterr()
    assert "failed: missing for the enabled targets: git, g++, arm-none-eabi-gcc, qemu-system-arm" in captured.err
    assert "gdb-multiarch" not in captured.err and "run scripts/install-system-packages.sh" in captured.out
    hosts = [load_target(name) for name in ("host-onnxruntime", "host-openvino")]
    assert [tool.name for tool in doctor.programs(hosts) if tool.needed] == ["git"]


def test_doctor_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "find_program", lambda tool: Finding(tool, "1.0", None))
    assert run(monkeypatch, "doctor", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["missing"] == [] and {"tool", "version", "problem"} == set(found["findings"][0])


@pytest.mark.parametrize(
    ("script", "version", "problem"),
    [
        ("echo 'tool (Distribution 15:12.2.rel1-1) 12.2.1 20221205'", "12.2.1", None),
        ("echo 'tool version 7.2.22 (Debian 1:7.2)'; echo 'since 2003.1'", "7.2.22", None),
        ("exit 127", None, "does not run (exit code 127)"),
        ("echo no version at all", None, "does not run (exit code 0)"),
    ],
)
def test_a_programs_version(
    repository: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str | None, problem: str | None
) -> None:
    program = repository / "tool"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{repository}:/usr/bin:/bin")
    tool = Tool("tool", "tests", True, "make setup")
    assert doctor.find_program(tool) == Finding(tool, version, problem)


def test_a_package_is_compared_with_its_pin(repository: Path) -> None:
    (repository / "constraints.txt").write_text(
        "pytest==0.1 \\\n    --hash=sha256:00\npytest==9 ; extra == 'tool-x' \\\n    --hash=sha256:00\n"
    )
    pins = doctor.pinned_versions()
    assert pins == {"pytest": "0.1"}
    tool = Tool("pytest", "tests", False, "make setup")
    assert doctor.find_package(tool, pins).problem == "constraints.txt has 0.1"
    assert doctor.find_package(tool, {}).problem is None
    assert doctor.find_package(Tool("no-such-package", "", False, ""), {}).version is None


def test_doctor_lists_environments_and_whether_they_are_made(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.find_environments() == ()
    (repository / "constraints.txt").write_text('some-tool==1.5 ; extra == "tool-some-tool" --hash=sha256:00\n')
    monkeypatch.setenv("SIXFOLD_CACHE", str(repository / "cache"))
    monkeypatch.setattr(doctor, "find_program", lambda tool: Finding(tool, "1.0", None))
    assert doctor.find_environments() == (doctor.EnvironmentFinding("some-tool", "1.5", False),)
    assert run(monkeypatch, "doctor") == 0
    assert "not made yet" in capsys.readouterr().out
    python = tool_environment("some-tool").python
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert doctor.find_environments()[0].made


def test_processor_features(repository: Path) -> None:
    cpuinfo = repository / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: sse2 avx2 avx512_vnni\n")
    assert doctor.processor_features(cpuinfo) == {
        "avx2": True,
        "avx512bw": False,
        "avx512_vnni": True,
        "avx_vnni": False,
        "amx_int8": False,
    }
    cpuinfo.write_text("Features\t: fp asimd asimddp\n")
    assert doctor.processor_features(cpuinfo) == {"asimddp": True, "i8mm": False}
    assert doctor.processor_features(repository / "absent") is None
