"""The baselines that are committed, and hashes as DVC makes them."""

from pathlib import Path

import pytest
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from pipeline.gate.baseline import load_baseline
from pipeline.gate.tree_hash import IGNORED, dvc_hash, manifest
from pipeline.params import load_params
from pipeline.paths import target_baseline
from tests.imports import ROOT

ENABLED = load_params(ROOT / "params.yaml").targets


@pytest.mark.parametrize("target", ENABLED)
def test_every_enabled_target_has_a_baseline(target):
    baseline = load_baseline(target, ROOT)
    assert baseline.parity and baseline.predictions.labels is not None
    assert baseline.provenance.data, "made where the data were"
    assert list(baseline.provenance.stages)[-1] == f"verify@{target}"
    assert (ROOT / target_baseline(target)).stat().st_size < 20_000


def test_all_baselines_are_of_one_model_and_one_data_set():
    baselines = [load_baseline(path.stem, ROOT) for path in sorted((ROOT / "baselines").glob("*.json"))]
    assert len({baseline.model_sha256 for baseline in baselines}) == 1
    assert len({baseline.predictions.images_sha256 for baseline in baselines}) == 1


def test_hashes_are_dvcs(tmp_path: Path):
    folder = tmp_path / "folder"
    for name in ("b.txt", "a/z.bin", "a-b/c", "a/__pycache__/x.pyc", "umlaut-\u00e4.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 100)
    patterns = {line.rstrip("/") for line in (ROOT / ".dvcignore").read_text().splitlines() if not line.startswith("#")}
    # No stage that the gate looks at reads anything in reports/.
    assert {pattern for pattern in patterns if not pattern.startswith("/reports/")} <= set(IGNORED)
    assert list(manifest(folder)) == ["a-b/c", "a/z.bin", "b.txt", "umlaut-\u00e4.txt"]
    (folder / "a/__pycache__/x.pyc").unlink()
    (folder / "a/__pycache__").rmdir()
    store = HashFileDB(LocalFileSystem(), str(tmp_path / "store"), tmp_dir=str(tmp_path))
    for path in (folder, folder / "b.txt"):
        _, _, built = build(store, str(path), LocalFileSystem(), "md5")
        assert dvc_hash(path) == built.hash_info.value
    assert dvc_hash(tmp_path / "nothing") is None
