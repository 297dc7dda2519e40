"""Stage `train`: prepared images to models/model.pt, with metrics and curves."""

import csv
from pathlib import Path

from pipeline.data.prepared import PREPARED_FOLDER, PreparedDataset
from pipeline.errors import exits_cleanly
from pipeline.files import atomic_file, write_json
from pipeline.models.checkpoint import save_model
from pipeline.models.cost import cost
from pipeline.params import load_params
from pipeline.training.evaluate import accuracy
from pipeline.training.fit import Trained, fit
from pipeline.training.record import EpochRow

MODEL_FILE = Path("models/model.pt")
REPORT_FILE = Path("reports/train.json")
CURVES_FILE = Path("reports/training.csv")


def write_curves(path: Path, rows: tuple[EpochRow, ...]) -> None:
    """One line an epoch: epoch, losses, accuracy (0..1), learning rate."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(EpochRow.__dataclass_fields__)
        for row in rows:
            values = (row.train_loss, row.validation_loss, row.validation_accuracy, row.lr)
            table.writerow([row.epoch, *(f"{value:.6g}" for value in values)])


def write_report(path: Path, trained: Trained, dataset: PreparedDataset) -> None:
    """Accuracies of the best weights and what the network costs."""
    counted = cost(trained.model, dataset.channels, dataset.image_size, dataset.image_size)
    validation = accuracy(trained.model, dataset, "validation")
    test = accuracy(trained.model, dataset, "test")
    report = {
        "accuracy": {"validation": validation, "test": test},
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.rows),
        "parameters": counted.parameters,
        "macs": counted.macs,
        "source": dataset.source,
    }
    write_json(path, report)
    scores = [f"{name} {100 * value:.2f} %" for name, value in (("validation", validation), ("test", test)) if value]
    print(f"best epoch {trained.best_epoch}: {', '.join(scores)}")


@exits_cleanly
def main() -> None:
    """Run the stage in the current folder."""
    experiment = load_params().selected
    dataset = PreparedDataset.load(PREPARED_FOLDER)
    trained = fit(dataset, experiment.model, experiment.train)
    if not trained.first:
        return
    save_model(MODEL_FILE, trained.model)
    write_curves(CURVES_FILE, trained.rows)
    write_report(REPORT_FILE, trained, dataset)


if __name__ == "__main__":
    main()
