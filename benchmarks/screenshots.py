"""Pictures of the report for the documentation, taken in a browser: ``python -m benchmarks.screenshots``."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.browser import open_browser
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import atomic_file
from pipeline.report.site import PAGE

DOCS = Path("docs")
#: A picture in the documentation is part of every clone.
LARGEST_BYTES = 300_000
_DESK, _PHONE = 1280, 390

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Shot:
    """A picture.

    Attributes:
        width: of the window, in CSS pixels.
        take: PNG of what is to be seen of the page, None where the page has none of it.
        scale: pixels of the picture for each of the window.
    """

    name: str
    width: int
    take: Callable[[Page], bytes | None]
    scale: float = 1.0


def _top(height: int) -> Callable[[Page], bytes | None]:
    return lambda page: page.screenshot(clip={"x": 0, "y": 0, "width": page.evaluate("innerWidth"), "height": height})


def _first(selector: str) -> Callable[[Page], bytes | None]:
    def take(page: Page) -> bytes | None:
        found = page.locator(selector)
        return found.first.screenshot() if found.count() else None

    return take


SHOTS = (
    Shot("report-desktop", _DESK, _top(1500)),
    Shot("report-board", _DESK, _first("article:has(img.map)")),
    Shot("report-mistakes", _DESK, _first("section[aria-labelledby=confusion]:has(img)")),
    Shot("report-phone", _PHONE, _top(1500), scale=1.5),
)


def take_screenshots(browser: Browser, page: Path, folder: Path) -> list[Path]:
    """Write a PNG of each of :data:`SHOTS`, of 256 colours at most.

    Args:
        browser: takes them.
        page: the report.
        folder: where the pictures go.

    Returns:
        Those that were written: not one of a part that the report does not have.

    Raises:
        SixfoldError: there is no report, or a picture is too large.
    """
    if not page.is_file():
        raise SixfoldError(f"{page}: not found; run `dvc repro` or `sixfold report`, which make it")
    return [path for shot in SHOTS if (path := _write(browser, shot, page, folder)) is not None]


def _write(browser: Browser, shot: Shot, page: Path, folder: Path) -> Path | None:
    opened = browser.new_page(viewport={"width": shot.width, "height": 1600}, device_scale_factor=shot.scale)
    opened.goto(page.absolute().as_uri())
    png = shot.take(opened)
    opened.close()
    if png is None:
        return None
    path = folder / f"{shot.name}.png"
    with atomic_file(path) as temporary:
        Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(temporary, format="PNG", optimize=True)
        if (size := temporary.stat().st_size) > LARGEST_BYTES:
            raise SixfoldError(f"{path}: would have {size} bytes; the documentation takes {LARGEST_BYTES} at most")
    return path


@app.command(epilog="Exit codes: 0 good, 2 wrong usage or input. Run it in the repository's root.")
def screenshots(
    page: Annotated[Path, typer.Option(help="The report.")] = PAGE,
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = DOCS,
) -> None:
    """Take the pictures of the report that the documentation shows, in this computer's or Debian's Chromium."""
    with open_browser() as browser:
        for path in take_screenshots(browser, page, folder):
            print(f"{path}: {path.stat().st_size} bytes")


@exits_cleanly
def main() -> None:
    """Entry point: 0 good, 2 wrong usage or input, 130 interrupted."""
    app(prog_name="python -m benchmarks.screenshots")


if __name__ == "__main__":
    main()
