"""Stage `prepare`: the selected data set as arrays in data/prepared/, split, with all that is known about it."""

import sys
from pathlib import Path

from pipeline.data.digits import open_digits
from pipeline.data.image_folder import open_image_folder
from pipeline.data.imagenet import open_imagenet
from pipeline.data.prepared import PREPARED_FOLDER, Description
from pipeline.data.solar import open_solar
from pipeline.data.source import Source
from pipeline.data.write import write_prepared
from pipeline.errors import exits_cleanly
from pipeline.params import DataParams, load_params

LISTED = 20


def open_source(params: DataParams, image_folder: Path) -> Source:
    """The data set that `params.source` names.

    Raises:
        SixfoldError: it is not there, or does not suit the other parameters.
    """
    match params.source:
        case "digits":
            return open_digits(params.image_size, params.channels)
        case "solar":
            return open_solar(params.image_size, params.channels)
        case "image-folder":
            return open_image_folder(image_folder, params.image_size, params.channels, params.central_crop)
        case "imagenet":
            return open_imagenet(image_folder, params.image_size, params.channels, params.central_crop)


def report(description: Description) -> None:
    """Print counts to stdout and what was left out, by name, to stderr."""
    counts = ", ".join(f"{split} {sum(per_class)}" for split, per_class in description.counts.items())
    print(f"{description.source}: {len(description.labels)} classes; images: {counts}")
    _list("unreadable images were skipped", [f"{file.name}: {file.reason}" for file in description.skipped])
    _list("other files were ignored", list(description.ignored))


def _list(what: str, lines: list[str]) -> None:
    if not lines:
        return
    print(f"{len(lines)} {what}:", file=sys.stderr)
    for line in lines[:LISTED]:
        print(f"  {line}", file=sys.stderr)
    if len(lines) > LISTED:
        print(f"  and {len(lines) - LISTED} more, all in {PREPARED_FOLDER}/dataset.json", file=sys.stderr)


@exits_cleanly
def main() -> None:
    """Run the stage in the current folder."""
    params = load_params()
    source = open_source(params.selected.data, Path(params.image_folder))
    report(write_prepared(source, params.selected.data, PREPARED_FOLDER))


if __name__ == "__main__":
    main()
