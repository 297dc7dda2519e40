"""The documentation as a static site in build/docs, its generated pages made first: `make docs`."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline import target_reference
from pipeline.cli import reference as cli
from pipeline.errors import exits_cleanly
from pipeline.tool_environments import tool_python

ROOT = Path(__file__).resolve().parent.parent


@exits_cleanly
def main() -> None:
    """Make generated pages and the site; a broken link fails."""
    for page, text in ((target_reference.PAGE, target_reference.target_reference()), (cli.PAGE, cli.cli_reference())):
        (ROOT / page).write_text(text, encoding="utf-8")
    python = str(tool_python("mkdocs-material"))
    # No date in the pages: the same sources give the same site.
    variables = os.environ | {"SOURCE_DATE_EPOCH": "0", "NO_MKDOCS_2_WARNING": "true"}
    done = subprocess.run(
        [python, "-m", "mkdocs", "build", "--strict", "--quiet", "--clean"], cwd=ROOT, env=variables, check=False
    )
    if done.returncode != 0:
        sys.exit(1)
    print("build/docs/index.html")


if __name__ == "__main__":
    main()
