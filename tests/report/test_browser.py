"""The site in a real browser: Chromium without a window, at the width of a phone and of a desk, and on paper."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.browser import open_browser
from benchmarks.screenshots import LARGEST_BYTES, SHOTS, take_screenshots
from pipeline.backends.cortex_m.libraries import engine_for
from pipeline.backends.cortex_m.memory_map import memory_map
from pipeline.backends.cortex_m.skeleton import Variant, skeleton
from pipeline.errors import SixfoldError
from pipeline.report.inputs import load_inputs
from pipeline.report.site import SITE, write_site
from pipeline.sweep.estimate import estimate
from pipeline.sweep.page import choose, render_sweep
from pipeline.targets import load_target
from tests.report.repository import TARGETS, make_repository, target_report, write
from tests.report.test_site import add_images

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1280
PAGES = ("index.html", "profiles.html", "history.html", "sweep.html")
LONG = "a_class_with_a_name_that_is_longer_than_any_phone_is_wide_and_has_no_space_to_break_at"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with every section filled, and with names that want more room than there is."""
    root = make_repository(tmp_path_factory.mktemp("site"), labels=("0", "1", LONG))
    add_images(root, [0, 0, 1, 1, 2, 2], [0, 2, 1, 2, 2, 0], names=("0", "1", LONG))
    graph = skeleton(Variant(0.35, (32, 32, 1), 1, 10))
    folder = root / "artifacts/mps2-an386"
    folder.mkdir(parents=True)
    (folder / "memory_map.svg").write_text(memory_map(engine_for("cmsis-nn", "mve").program(graph, guarded=False).plan))
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    layers = [
        {"name": operator.name, "value": 1e6 + index, "macs": 1000} for index, operator in enumerate(graph.operators)
    ]
    latency = {
        "kind": "instructions",
        "unit": "instructions",
        "value": 6.4e7,
        "repeats": 9,
        "where": "qemu",
        "layers": layers,
    }
    memory = {"ram_bytes": 1, "layers": [{"name": layer["name"], "live_bytes": 9} for layer in layers]}
    write(
        root / "reports/mps2-an386.json",
        target_report("mps2-an386", latency=latency, memory=memory, tools={LONG: LONG}),
    )
    operators = [{"name": f"{LONG}.{index}", "elements": 9, "mismatched": 1, "max_lsb": 1} for index in range(9)]
    failed = {"passed": False, "violations": [f"{LONG} differs"]}
    write(
        root / "reports/host-openvino.json",
        target_report("host-openvino", budget=failed, details={"operators": operators}),
    )
    write_site(load_inputs(TARGETS, root), "digits", root)
    target = load_target("nucleo-f446re", root / "targets")
    candidates = estimate(target, Variant(0.35, (32, 32, 1), 1, 10), [0.35, 1.0], [32, 64])
    (root / SITE / "sweep.html").write_text(render_sweep([choose(target, candidates, {}, None)], {}, "digits"))
    return root / SITE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        opened = open_browser()
        running = opened.__enter__()
    except SixfoldError as error:
        pytest.skip(f"lacks a browser: {error}")
    yield running
    opened.__exit__(None, None, None)


class Visit:
    """A page that was opened, and everything that it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, width: int = DESK, **settings: Any) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 844}, **settings)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri(), wait_until="load")

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    def open_details(self) -> None:
        self.page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")

    def overflowing(self) -> list[str]:
        """What sticks out of the window: elements that do not scroll within a region of their own."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("body *")]
              .filter(one => !one.parentElement.closest(".scroll, svg") && one.checkVisibility())
              .filter(one => { const box = one.getBoundingClientRect();
                return box.right > innerWidth + 0.5 || (box.left < -0.5 && box.right > 0); })
              .map(one => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`)"""
        )


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_from_elsewhere_and_nothing_is_complained_of(browser: Browser, site: Path, name: str):
    with Visit(browser, site / name) as visit:
        visit.open_details()
        assert visit.complaints == []
        folder = site.as_uri() + "/"
        assert [url for url in visit.requests if not url.startswith((folder, "data:"))] == []
        assert len(visit.requests) > (4 if name == "index.html" else 0)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_sticks_out(browser: Browser, site: Path, name: str, width: int):
    with Visit(browser, site / name, width) as visit:
        visit.open_details()
        assert visit.overflowing() == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(browser: Browser, site: Path, name: str):
    with Visit(browser, site / name) as visit:
        links = visit.page.eval_on_selector_all("a", "all => all.map(one => one.href)")
        assert len(links) > 1
        for link in sorted(set(links)):
            visit.page.goto(link)
            assert visit.complaints == []
            fragment = link.partition("#")[2]
            assert not fragment or visit.page.evaluate("document.querySelector(':target') !== null"), link


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_sections_plots_and_pictures_have_their_size(browser: Browser, site: Path, width: int):
    with Visit(browser, site / "index.html", width) as visit:
        shown = visit.page.eval_on_selector_all(
            "main > section",
            "all => all.map(one => [one.getAttribute('aria-labelledby'), one.getBoundingClientRect().height])",
        )
        expected = ["targets", "chain", "each-target", "confusion", "training", "quantisation", "skipped", "tools"]
        assert [name for name, _ in shown] == expected and all(height > 60 for _, height in shown)
        plots = visit.page.eval_on_selector_all(
            "figure svg",
            "all => all.map(one => { const box = one.getBoundingClientRect(); return [box.width, box.height]; })",
        )
        assert len(plots) == 6, "loss, accuracy, learning rate, noise, ranges, memory by operator"
        assert all(wide > width / 5 and high > 60 for wide, high in plots)
        pictures = visit.page.eval_on_selector_all(
            "img", "all => all.map(one => [one.naturalWidth, one.width, one.height])"
        )
        assert len(pictures) == 3 + 3 + 1
        assert all(min(sizes) >= 16 for sizes in pictures)
        lines = visit.page.eval_on_selector_all(
            "header, header ~ *, main", "all => all.map(one => getComputedStyle(one).fontFamily)"
        )
        assert lines and all("sans-serif" in family for family in lines)


@pytest.mark.parametrize("name", PAGES)
def test_who_hears_the_page_gets_its_structure(browser: Browser, site: Path, name: str):
    with Visit(browser, site / name) as visit:
        levels = visit.page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(one => Number(one.tagName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
        without = "all => all.filter(one => !one.hasAttribute('alt') && !one.getAttribute('aria-label')).length"
        assert visit.page.eval_on_selector_all("img, svg[role=img]", without) == 0
        headless = "all => all.filter(one => !one.querySelector('thead th[scope=col]')).length"
        assert visit.page.eval_on_selector_all("table", headless) == 0
        assert visit.page.evaluate("document.documentElement.lang") == "en-GB"
        unnamed = "all => all.filter(one => !one.getAttribute('aria-label') || one.tabIndex !== 0).length"
        assert visit.page.eval_on_selector_all(".scroll", unnamed) == 0


CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, site: Path, scheme: Any):
    """The contrast that WCAG 2.2 asks for at level AA (1.4.3), of every text outside drawings."""
    with Visit(browser, site / "index.html", color_scheme=scheme) as visit:
        visit.open_details()
        dark = visit.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(247, 246, 243)"
        assert dark == (scheme == "dark")
        assert visit.page.evaluate(CONTRAST) == []


def test_on_paper_everything_is_unfolded_and_nothing_is_cut(browser: Browser, site: Path):
    with Visit(browser, site / "index.html", 720) as visit:
        visit.page.emulate_media(media="print")
        folded = "all => all.filter(one => one.getBoundingClientRect().height < 10).length"
        assert visit.page.eval_on_selector_all("details > *:not(summary)", folded) == 0
        assert not visit.page.is_visible("nav")
        assert visit.page.pdf(format="A4").startswith(b"%PDF")


def test_the_documentations_pictures_are_small_and_as_wide_as_the_windows(browser: Browser, site: Path, tmp_path: Path):
    written = take_screenshots(browser, site / "index.html", tmp_path)
    assert [path.stem for path in written] == [shot.name for shot in SHOTS]
    sizes = {path.stem: Image.open(path).size for path in written}
    assert sizes["report-desktop"] == (DESK, 1500) and sizes["report-phone"] == (PHONE * 3 // 2, 2250)
    assert all(min(size) > 300 for size in sizes.values())
    assert all(path.stat().st_size <= LARGEST_BYTES for path in written)


def test_without_a_report_there_is_no_picture(browser: Browser, tmp_path: Path):
    with pytest.raises(SixfoldError, match="run `dvc repro`"):
        take_screenshots(browser, tmp_path / "index.html", tmp_path)
