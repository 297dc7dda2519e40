"""The public check: the packaged ImageNet weights, quantised with photographs that anyone can install by pip.

Of foolbox's 20 labelled ImageNet images, ten are for calibration (which adds synthetic ones, since ten are few) and the
other ten for the test.
"""

import json
import shutil
from pathlib import Path

import onnx
import pytest
import yaml

from benchmarks.quantisation.onnxruntime_peer import quantize_by_onnxruntime
from pipeline.data.prepared import PreparedDataset
from pipeline.packages import fetch_wheel
from pipeline.preprocess import normalise
from pipeline.score import score_pair
from tests.imports import ROOT
from tests.stages.running import run_stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Experiment `imagenet`, run to the int8 model."""
    root = tmp_path_factory.mktemp("imagenet")
    shutil.copy(ROOT / "constraints.txt", root)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"experiment": "imagenet", "image_folder": "photos"}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    photographs = sorted((fetch_wheel("foolbox", ROOT / "constraints.txt") / "foolbox/data").glob("imagenet_*.jpg"))
    assert len(photographs) == 20
    for number, path in enumerate(photographs):
        folder = root / "photos" / ("calibration", "test")[number % 2] / path.stem.rpartition("_")[2]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)
    for stage in ("prepare", "train", "export", "quantize"):
        done = run_stage(stage, root)
        assert done.returncode == 0, done.stderr
    return root


def test_the_packaged_weights_are_used_as_they_are(project):
    report = json.loads((project / "reports/train.json").read_text())
    assert (report["epochs"], report["parameters"]) == (0, 3_504_872)
    assert report["accuracy"]["validation"] is None


def test_quantisation_keeps_the_network_on_other_images(project):
    report = json.loads((project / "reports/quantize.json").read_text())
    assert report["accuracy"]["samples"] == 10
    assert report["accuracy"]["fp32"] >= 0.7
    for result in (report, report["float_family"]):
        # Of ten images one may go either way.
        assert result["accuracy"]["agreement"] >= 0.9
        assert result["accuracy"]["drop"] <= 0.1
    assert {"name", "sqnr_db"} <= set(report["layers"][0])


def test_it_is_better_than_rounding_to_nearest_within_observed_ranges(project):
    """ONNX Runtime's own quantiser on the same images, scored on the same images: at least 3 dB behind."""
    data = PreparedDataset.load(project / "data/prepared")
    images = normalise(data.images("calibration"), data.normalization)
    model = onnx.load(project / "models/model.onnx")
    peer = quantize_by_onnxruntime(model, images)
    path = project / "peer.int8.onnx"
    onnx.save(peer, path)
    peer_score, own_score = (
        score_pair(int8, project / "models/model.onnx", project / "photos/test", "float")
        for int8 in (path, project / "models/model.int8.onnx")
    )
    assert peer_score.sqnr_db is not None
    assert own_score.sqnr_db is not None
    assert own_score.sqnr_db >= peer_score.sqnr_db + 3
    print(f"logit SQNR {own_score.sqnr_db:.2f} dB, ONNX Runtime's quantiser {peer_score.sqnr_db:.2f} dB")
