"""A repository's results as the stages write them, small and made up, for tests of the report."""

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("host-onnxruntime", "host-openvino", "mps2-an386")
MODEL = "5f" * 32


def target_report(name: str, **changes: Any) -> dict[str, Any]:
    """A report of target `name`; keyword arguments replace whole sections."""
    emulated = name == "mps2-an386"
    report: dict[str, Any] = {
        "target": name,
        "backend": "cortex-m" if emulated else name.removeprefix("host-"),
        "family": "fixed-point" if emulated else "float",
        "model": {"sha256": MODEL, "params": 408650, "macs": 4453056},
        "accuracy": {
            "samples": 1000,
            "fp32": 0.977,
            "int8": 0.975,
            "drop": 0.002,
            "drop_ci95": [-0.0024, 0.0039],
            "agreement": 0.996,
        },
        "parity": {"reference": "float", "samples": 1000, "elements": 10000, "mismatched": 0, "max_lsb": 0},
        "latency": {
            "kind": "measured",
            "unit": "ms",
            "value": 0.1317,
            "repeats": 50,
            "where": "this host, 1 thread",
            "layers": [],
        },
        "memory": {"flash_bytes": None, "ram_bytes": None, "stack_bytes": None},
        "budget": {"passed": True, "violations": []},
        "tools": {"numpy": "2.4.6"},
        "details": {"executed_operators": {"QLinearConv": 53}},
    }
    if emulated:
        layers = [
            {"name": "features.0.0", "value": 1500000.0, "macs": 294912},
            {"name": "features.1.add", "value": 3000.0, "macs": 0},
        ]
        latency = {"kind": "instructions", "unit": "instructions", "value": 54321987.0, "repeats": 32}
        report["parity"] = {
            "reference": "fixed-point",
            "samples": 32,
            "elements": 320,
            "mismatched": 0,
            "max_lsb": 0,
        }
        report["latency"] = {**latency, "where": "qemu-system mps2-an386", "layers": layers}
        report["memory"] = {"flash_bytes": 540000, "ram_bytes": 69632, "stack_bytes": 1204}
        report["tools"] = {"numpy": "2.4.6", "qemu-system-arm": "7.2.22"}
    return {**report, **changes}


def make_repository(root: Path, labels: tuple[str, ...] = ("0", "1", "2")) -> Path:
    """Fill `root` with params.yaml, targets/ and every result; return it."""
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copytree(ROOT / "targets", root / "targets")
    board = root / "targets/mps2-an386.yaml"
    board.write_text(board.read_text().replace("budget: {", "budget: {sram: 256KiB, flash: 1MiB, "))
    reports = root / "reports"
    reports.mkdir()
    for name in TARGETS:
        write(reports / f"{name}.json", target_report(name))
    train = {"accuracy": {"validation": 0.994, "test": 0.977}, "best_epoch": 2, "epochs": 3}
    write(reports / "train.json", {**train, "parameters": 408650, "macs": 4453056, "source": "digits"})
    write(reports / "export.json", {"samples": 64, "max_abs_diff": 6.9e-05, "same_class": 1.0})
    score = {"accuracy": target_report("host-onnxruntime")["accuracy"], "sqnr_db": 32.4}
    layers = [
        {"name": "features.0.0", "sqnr_db": 40.1, "weights_db": 45.0, "activations_db": 42.0},
        {"name": "classifier.1", "sqnr_db": None},
    ]
    known = {
        "equalised": {"max_abs_diff": 1.4e-05, "max_diff_db": -106.4, "bound": 2.4e-04},
        "relu6_ranges": [{"name": "features.0.0", "r": 6.0, "median": 4.5, "least": 0.5}],
    }
    write(reports / "quantize.json", {**score, "float_family": score, "layers": layers, **known})
    (reports / "training.csv").write_text(
        "epoch,train_loss,validation_loss,validation_accuracy,lr\n"
        "1,2.1,1.5,0.4,0.05\n2,0.5,0.4,0.994,0.1\n3,0.3,,0.99,0.001\n"
    )
    pairs = [f"{label},{label}" for label in labels] * 3 + [f"{labels[0]},{labels[1]}"]
    (reports / "confusion.csv").write_text("\n".join(["actual,predicted", *pairs]) + "\n")
    dataset = {
        "source": "digits",
        "labels": labels,
        "counts": {"train": [10] * len(labels), "test": [3] * len(labels)},
        "skipped": [{"name": "2/broken.png", "reason": "truncated file"}],
        "ignored": ["notes.txt"],
        "licence": "CC0",
    }
    write(root / "data" / "prepared" / "dataset.json", dataset)
    return root


def write(path: Path, value: Any) -> None:
    """Write JSON, making folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
