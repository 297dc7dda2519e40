"""`sixfold build`."""

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = ("sixfold build mps2-an386", "sixfold build host-tvm --json")


def command(target: TargetName, as_json: Json = False) -> None:
    """Compile the network for a target, as stage compile@TARGET does."""
    from pipeline.cli.ready import check_ready

    check_ready(target, built=False)
    from pipeline.cli.build import build_target

    build_target(target, as_json)
