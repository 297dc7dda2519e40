from pipeline.cli.app import COMMANDS
from pipeline.cli.reference import PAGE, cli_reference
from tests.cli.project import ROOT


def test_the_page_is_that_of_the_code() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == cli_reference(), "run `make docs`"


def test_every_command_and_example_is_on_the_page() -> None:
    page = cli_reference()
    for name, module in COMMANDS.items():
        assert f"\n## sixfold {name}\n" in page
        assert all(f"\n    {line}\n" in page for line in module.EXAMPLES)
