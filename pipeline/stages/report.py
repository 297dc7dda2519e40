"""Stage `report`: all results as one table on the console and a site to read, site/index.html."""

from pathlib import Path

from pipeline.errors import exits_cleanly
from pipeline.params import load_params
from pipeline.report.inputs import ReportInputs, load_inputs
from pipeline.report.summary import print_summary
from pipeline.targets import target_names


def write_report(every_target: bool = False, root: Path = Path()) -> ReportInputs:
    """Write the site of the repository at `root`.

    Args:
        every_target: report on all files in targets/ instead of those that params.yaml enables.
        root: the repository.

    Returns:
        What the report was made of.

    Raises:
        SixfoldError: a file that a stage wrote cannot be used.
    """
    params = load_params(root / "params.yaml")
    names = target_names(root / "targets") if every_target else list(params.targets)
    inputs = load_inputs(names, root)
    from pipeline.report.site import write_site  # noqa: PLC0415 - Matplotlib takes a second, and damaged files none

    write_site(inputs, params.experiment, root)
    return inputs


@exits_cleanly
def main() -> None:
    """Run the stage in the current folder."""
    print_summary(write_report())
    from pipeline.report.site import PAGE  # noqa: PLC0415 - Matplotlib, which has drawn by now

    print(f"{PAGE}: the page")


if __name__ == "__main__":
    main()
