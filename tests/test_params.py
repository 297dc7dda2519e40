from pathlib import Path

import pytest
import yaml

from pipeline.errors import SixfoldError
from pipeline.params import load_params
from pipeline.target_paths import params_lines, watched_paths
from pipeline.targets import load_target, target_names

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "params.yaml").read_text()


@pytest.mark.parametrize("name", load_params(ROOT / "params.yaml").targets)
def test_an_enabled_targets_paths_are_what_its_build_reads(name: str) -> None:
    line = load_params(ROOT / "params.yaml").targets[name]
    assert line == watched_paths(load_target(name, ROOT / "targets"))
    for path in line.model_dump().values():
        assert (ROOT / path).exists(), f"params.yaml: targets.{name}: {path} does not exist"


@pytest.mark.parametrize("name", target_names(ROOT / "targets"))
def test_printed_lines_are_what_params_yaml_takes(name: str, tmp_path: Path) -> None:
    target = load_target(name, ROOT / "targets")
    head, _, rest = TEXT.partition("targets:\n")
    experiments = rest[rest.index("experiments:") :]
    (tmp_path / "params.yaml").write_text(f"{head}targets:\n{params_lines(target)}{experiments}")
    assert load_params(tmp_path / "params.yaml").targets == {name: watched_paths(target)}


@pytest.mark.parametrize("experiment", yaml.safe_load(TEXT)["experiments"])
def test_every_experiment_is_one_parameter_away(experiment: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(TEXT.replace("experiment: digits", f"experiment: {experiment}", 1))
    assert load_params(tmp_path / "params.yaml").selected.data.source == experiment


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "experiment: digits",
            "experiment: digit",
            "experiment: no experiment 'digit'; there are digits, image-folder",
        ),
        ("image_size: 32", "image_size: 33", "experiments.digits.data.image_size: "),
        ("mean: [0.0] #", "mean: [0.0, 0.0] #", "experiments.digits.data: mean has 2 values, channels is 1"),
        ("std: [1.0]", "std: [0.0]", "experiments.digits.data.std.0: "),
        ("width: 0.35", "width: 0.35\n      depth: 2", "experiments.digits.model.depth: unknown key"),
        ("batch_size: 64", "batch_size: 0", "experiments.digits.train.batch_size: "),
        ("batch_size: 64", "batch_size: .nan", "experiments.digits.train.batch_size: "),
        ("    backend: pipeline/backends/onnxruntime.py\n", "", "targets.host-onnxruntime.backend: missing; add it"),
        ("init: scratch", "init: scratched", "experiments.digits.model.init: "),
    ],
)
def test_each_mistake_is_one_line_with_file_and_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(SixfoldError) as caught:
        load_params(path)
    line = str(caught.value)
    assert line.startswith(str(path)) and message in line and "\n" not in line


@pytest.mark.parametrize("content", ["", "- a\n", "a: [\n", "a: &x [*x]\n"])
def test_what_is_no_parameter_file_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(SixfoldError) as caught:
        load_params(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
