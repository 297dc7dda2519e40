"""What a target file says about an NPU."""

from pathlib import Path

import pytest
import yaml

from pipeline.errors import SixfoldError
from pipeline.targets import load_target

ROOT = Path(__file__).parents[1]
TARGET = yaml.safe_load((ROOT / "targets" / "ethos-u55-128.yaml").read_text())
DEDICATED = {
    "accelerator": "ethos-u65-256",
    "system_config": "Ethos_U65_High_End",
    "memory_mode": "Dedicated_Sram_384KB",
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accelerator": "ethos-u55-512"}, "npu.accelerator: "),
        ({"accelerator": "ethos-u65-256"}, "system_config Ethos_U55_High_End_Embedded is not for ethos-u65-256"),
        ({"memory_mode": "Sram_Only"}, "npu.memory_mode: "),
        ({"memory_mode": "Dedicated_Sram_384KB", "latency_slack_percent": 0}, "which Ethos-U55 has not"),
        ({**DEDICATED}, "latency_slack_percent needs memory_mode Shared_Sram"),
        ({**DEDICATED, "latency_slack_percent": 0, "arena": "1MiB"}, "arena needs memory_mode Shared_Sram"),
        ({"arena": "64KB"}, "npu.arena: '64KB' is not a size"),
        ({"latency_slack_percent": -1}, "npu.latency_slack_percent: "),
        ({"clock": 1}, "npu.clock: unknown key"),
    ],
)
def test_each_mistake_is_one_line_with_file_and_field(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    text = yaml.safe_dump({**TARGET, "name": "board", "npu": {**TARGET["npu"], **changes}})
    (tmp_path / "board.yaml").write_text(text)
    with pytest.raises(SixfoldError) as caught:
        load_target("board", tmp_path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"npu": None}, "npu is missing; backend ethos-u needs it"),
        ({"clock_hz": None}, "clock_hz is missing; backend ethos-u needs the NPU's clock"),
        ({"runner": {"kind": "host"}}, "runner: kinds npu-model and estimate are those of backend ethos-u"),
        (
            {"npu": {**TARGET["npu"], "accelerator": "ethos-u55-32"}},
            "there is no model of ethos-u55-32; take kind estimate",
        ),
        ({"backend": "onnxruntime"}, "npu is only for backend ethos-u"),
    ],
)
def test_an_npu_target_is_whole(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    (tmp_path / "board.yaml").write_text(yaml.safe_dump({**TARGET, "name": "board", **changes}))
    with pytest.raises(SixfoldError, match=message):
        load_target("board", tmp_path)
