"""`sixfold doctor`."""

from pipeline.cli.arguments import Json

EXAMPLES = ("sixfold doctor", "sixfold doctor --json")


def command(as_json: Json = False) -> None:
    """Check tools, versions and this processor.

    Exit code 1 if something is missing that a target needs which params.yaml enables.
    """
    from pipeline.cli.doctor import diagnose, print_diagnosis, raise_on_problems

    diagnosis = diagnose()
    print_diagnosis(diagnosis, as_json)
    raise_on_problems(diagnosis)
