from xml.etree import ElementTree

from pipeline.report.plots import memory_plot, training_plots
from pipeline.report.schema import LayerMemory


def test_columns_are_grouped_by_what_they_are() -> None:
    columns = {"epoch": [1, 2], "train_loss": [2.0, 1.0], "validation_accuracy": [0.5, 0.9], "seconds": [3.0, 3.0]}
    loss, accuracy = training_plots(columns)
    assert loss.title == "Loss" and "train loss from 2 to 1" in loss.words
    assert accuracy.title == "Accuracy"


def test_colours_are_the_pages_and_size_is_free() -> None:
    (plot,) = training_plots({"epoch": [1, 2], "lr": [0.1, 0.2]})
    root = ElementTree.fromstring(plot.svg)
    assert "var(--series-1)" in plot.svg and "#03" not in plot.svg
    assert root.get("width") is None and root.get("viewBox") and root.get("role") == "img"


def test_gaps_and_empty_columns() -> None:
    (plot,) = training_plots({"epoch": [1, 2, 3], "train_loss": [2.0, None, 1.0], "validation_loss": [None] * 3})
    assert "validation" not in plot.words
    assert training_plots({}) == [] == training_plots({"epoch": []})


def test_memory_names_the_operators_that_decide_the_peak() -> None:
    layers = [LayerMemory(name=f"layer{n}", live_bytes=1024 * n) for n in (3, 9, 2, 7, 5)]
    plot = memory_plot("board", layers)
    assert "each of 5 operators" in plot.words
    assert plot.words.endswith("the most: layer9 (9\xa0KiB), layer7 (7\xa0KiB), layer5 (5\xa0KiB)")
    root = ElementTree.fromstring(plot.svg)
    assert root.get("role") == "img" and 'id="memory-board-' in plot.svg
    assert plot.svg == memory_plot("board", layers).svg
