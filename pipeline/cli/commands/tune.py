"""`sixfold tune`."""

from pipeline.cli.arguments import Json, TargetName

EXAMPLES = ("sixfold tune host-tvm && sixfold build host-tvm",)


def command(target: TargetName, as_json: Json = False) -> None:
    """Measure which tile sizes suit a target's kernels best.

    For targets of backend tvm, on this computer. Goes on where it was stopped. The
    result, in pipeline/backends/tvm/tuned/, is an input of every later build.
    """
    from pipeline.cli.tune import tune_target

    tune_target(target, as_json)
