"""`sixfold profile`: where a target's instructions go."""

import sys

from pipeline.cli.output import print_json
from pipeline.files import write_json
from pipeline.graph.reader import read_graph
from pipeline.paths import INT8_MODEL, built_artefact, target_profile
from pipeline.profile.results import Profile
from pipeline.profile.tables import HEAD, layer_rows
from pipeline.report.console import console, table
from pipeline.stages.samples import choose_samples
from pipeline.targets import load_target

#: Layers that the table shows, unless all are wanted.
_MOST = 15


def profile_target(name: str, every: bool, as_json: bool) -> None:
    """Profile target `name`, write reports/profiles/<name>.json and print its worst layers.

    Args:
        name: of a file in targets/.
        every: print all layers.
        as_json: print the file's contents instead.

    Raises:
        SixfoldError: the target is not emulated, was not built, or something is damaged.
    """
    target = load_target(name)
    artefact = built_artefact(name)
    graph = read_graph(INT8_MODEL)
    from pipeline.profile.measure import profile_artefact  # noqa: PLC0415 - the whole compiler of the firmware with it

    profile = profile_artefact(artefact, target, graph, choose_samples(graph).inputs[0])
    path = target_profile(name)
    write_json(path, profile.model_dump(mode="json"))
    if as_json:
        print_json(profile.model_dump(mode="json"))
    else:
        print_profile(profile, None if every else _MOST)
        print(f"all layers and functions: {path}", file=sys.stderr)


def print_profile(profile: Profile, most: int | None) -> None:
    """Print the table on the console."""
    title = f"{profile.where}, {profile.kernels}: at most {profile.bound} multiply-adds an instruction"
    listing = table(*HEAD, title=title)
    for row in layer_rows(profile, most):
        listing.add_row(*row)
    console().print(listing)
