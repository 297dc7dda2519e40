"""What a command needs, looked for before it imports what only its work needs: what is missing is told at once."""

from pipeline.paths import built_artefact, quantised_model
from pipeline.targets import load_target, on_a_board


def check_ready(name: str, *, built: bool, port: str | None = None) -> None:
    """Raise unless a command can begin to work on target `name`.

    Args:
        name: of a file in targets/.
        built: whether its artefact is needed too, and not only the model.
        port: a board's serial port, if one takes the place of the target's own runner.

    Raises:
        SixfoldError: no such target, a wrong one, one that has no port, no model, or no artefact.
    """
    target = load_target(name)
    if port is not None:
        on_a_board(target, port)
    quantised_model()
    if built:
        built_artefact(name)
