import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.report.inputs import load_inputs
from pipeline.report.page import render_page, render_profiles
from tests.profile.profiles import PROFILE
from tests.report.repository import ROOT, TARGETS, make_repository, target_report, write

VOID = {"meta", "br", "hr", "img", "link", "input"}
OWN_FILES = {"data:,", "index.html", "history.html", "profiles.html"}
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a&b -- {{ 7 * 7 }}")


class Reader(HTMLParser):
    """Checks that elements nest, and collects ids, links and attributes that would fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.anchors: set[str] = set()
        self.fetched: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href") and (value or "").startswith("#"):
                self.anchors.add((value or "")[1:])
            elif name in ("src", "href", "xlink:href", "data", "action", "srcset"):
                self.fetched.append(value or "")
            assert not name.startswith("on"), f"{tag} has a script in {name}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]} at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids)), "an id is there twice"
    assert reader.anchors <= set(reader.ids), f"links to nowhere: {reader.anchors - set(reader.ids)}"
    references = set(re.findall(r"url\(([^)]*)\)", html))
    assert {reference.lstrip("#") for reference in references} <= set(reader.ids)
    elsewhere = [link for link in reader.fetched if link.partition("#")[0] not in OWN_FILES and "files/" not in link]
    assert elsewhere == [] and "script" not in reader.tags
    return reader


def page(names: tuple[str, ...] = TARGETS) -> str:
    return render_page(load_inputs(names), "digits")


def profiles(names: tuple[str, ...] = TARGETS) -> str:
    return render_profiles(load_inputs(names), "digits")


def words(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(read(html).text))


def test_a_whole_page_is_well_formed_and_fetches_nothing(repository: Path) -> None:
    html = page()
    text = words(html)
    assert "all 3 targets passed" in text
    assert "equal, bit for bit, to the fixed point reference on 32 images" in text
    assert "accuracy on the other images is that of the reference" in text
    assert "54 321 987 instructions" in text and "527.3 KiB of 4 MiB, budget 1 MiB" in text
    assert "2/broken.png : truncated file" in text
    assert html.count("<svg") == 5 and "Not available" not in html


def test_without_results_nothing_is_invented(repository: Path) -> None:
    for file in [*repository.glob("reports/*"), *repository.glob("data/prepared/*")]:
        file.unlink()
    text = words(page())
    assert text.count("Not available") == 4
    assert "0 of 3 targets verified" in text
    results = text.partition("Targets Target")[2].partition("docs/reading")[0].replace("drop at most 0.5", "")
    assert not re.search(r"\d\.\d\d", results.replace("0.5 points", ""))


def test_no_target_at_all(repository: Path) -> None:
    assert "No target is enabled" in words(page(()))


def test_a_failed_budget_is_said_first_and_in_full(repository: Path) -> None:
    failed = {"passed": False, "violations": ["flash use is 2000000 bytes, the budget is 1048576"]}
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", budget=failed))
    text = words(page())
    assert "1 of 3 targets failed" in text and "flash use is 2000000 bytes" in text


def test_reports_of_different_models_are_pointed_out(repository: Path) -> None:
    write(repository / "reports/mps2-an386.json", target_report("mps2-an386", model={"sha256": "ab" * 32}))
    assert "These reports are of 2 different models" in words(page())


def test_a_runtime_that_fuses_shows_its_operators(repository: Path) -> None:
    operators = [{"name": "features.1.add", "elements": 64, "mismatched": 2, "max_lsb": 1}]
    parity = {"reference": "float", "samples": 1000, "elements": 10000, "mismatched": 1972, "max_lsb": 10}
    report = target_report("host-openvino", parity=parity, details={"operators": operators})
    write(repository / "reports/host-openvino.json", report)
    text = words(page())
    assert "1 972 of 10 000 codes differ from the float requantisation reference on 1 000 images" in text
    assert "each of its 1 operators alone: at most 1 LSB" in text


def test_hostile_names_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_repository(tmp_path, labels=HOSTILE)
    (tmp_path / "reports/confusion.csv").write_text(
        "actual,predicted\n" + "".join(f'"{label.replace(chr(34), chr(34) * 2)}",other\n' for label in HOSTILE)
    )
    dataset = json.loads((tmp_path / "data/prepared/dataset.json").read_text())
    dataset["skipped"] = [{"name": HOSTILE[0], "reason": HOSTILE[1]}]
    write(tmp_path / "data/prepared/dataset.json", dataset)
    html = page()
    read(html)
    assert HOSTILE[0] not in html and "<img" not in html and "{{ 7 * 7 }}" in html


def test_many_classes_become_a_list_of_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_repository(tmp_path, labels=tuple(f"class {number}" for number in range(100)))
    text = words(page())
    assert "100 classes are too many for a matrix" in text and "The most frequent mistakes" in text


def test_an_image_that_nobody_mistook(repository: Path) -> None:
    (repository / "reports/confusion.csv").write_text("actual,predicted\n0,0\n1,1\n")
    assert "No image was mistaken" in words(page())


def test_the_same_results_give_the_same_bytes(repository: Path) -> None:
    first = page()
    code = "from tests.report.test_page import page; import sys; sys.stdout.buffer.write(page().encode())"
    environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "MPLCONFIGDIR": str(repository)}
    (repository / "matplotlibrc").write_text("lines.linewidth: 9\n")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
    assert done.stdout.decode() == first
    assert not re.search(r"20\d\d-\d\d-\d\d|https?://(?!www\.w3\.org/)", first)


def test_memory_by_operator_is_drawn_beside_its_target(repository: Path) -> None:
    layers = [{"name": f"<conv {number}>", "live_bytes": 1024 * number} for number in (4, 9, 2)]
    memory = {"flash_bytes": None, "ram_bytes": 12000, "stack_bytes": None, "layers": layers}
    for name in ("tflm-host", "mps2-an386"):
        details = {"arena": {"activations": 9216, "interpreter": 2784, "interpreter_parts": {}}}
        write(repository / f"reports/{name}.json", target_report(name, memory=memory, details=details))
    html = page(("tflm-host", "mps2-an386"))
    assert html.count("<svg") == 5 + 2  # training's and quantisation's, and these
    assert "while each of 3 operators runs; the most: <conv 2>" not in html
    assert "the most: <conv 9> (9 KiB), <conv 4> (4 KiB)" in words(html)
    assert "11.7 KiB: 9 KiB for activations, 2.7 KiB that the interpreter keeps" in words(html)


def test_a_profile_is_shown_where_it_is_of_what_was_verified(repository: Path) -> None:
    path = repository / "reports/profiles/mps2-an386.json"
    path.parent.mkdir()
    write(path, PROFILE.model_dump(mode="json"))
    exact = PROFILE.instructions
    for least, most, shown in ((exact, exact, True), (exact - 9, exact + 9, True), (exact + 1, exact + 9, False)):
        details = {"least_instructions": float(least), "most_instructions": float(most)}
        write(repository / "reports/mps2-an386.json", target_report("mps2-an386", details=details))
        before = page()
        text = words(profiles())
        assert ("The bound is 2 multiply-adds" in text) == shown
        assert ("lose most against it: stem, add, large." in text) == shown
        assert ("is of another build: sixfold profile mps2-an386" in text) != shown
        path.unlink()
        assert "Not counted yet: sixfold profile mps2-an386" in words(profiles())
        assert page() == before, "no stage makes profiles, and this page is the result of one"
        write(path, PROFILE.model_dump(mode="json"))
    assert "No target is enabled that QEMU has a board for" in words(profiles(("host-onnxruntime",)))


def test_a_stand_in_says_that_it_is_one_and_gives_no_time(repository: Path) -> None:
    parity = {"reference": "fixed-point", "samples": 50, "elements": 500, "mismatched": 0, "max_lsb": 0}
    details = {"other_kernels": [{"kernels": "reference kernels", **parity}], "verified_on": "a PC"}
    report = target_report("my-board", latency=None, parity={**parity, "reference": "xnnpack"}, details=details)
    write(repository / "reports/my-board.json", report)
    target = (repository / "targets/host-litert.yaml").read_text().replace("host-litert", "my-board")
    board = target.replace("{kind: host}", "{kind: host, stands_for: My Board}")
    (repository / "targets/my-board.yaml").write_text(board)
    text = words(page(("my-board",)))
    assert "Verified on this computer, a PC, which stands for My Board" in text
    assert "equal, bit for bit, to the XNNPACK reference on 50 images" in text
    assert "Parity, reference kernels equal, bit for bit, to the fixed point reference on 50 images" in text
    assert "Latency — Flash" in text


def test_the_page_says_that_equalisation_changed_nothing_and_draws_noise_and_ranges(repository: Path) -> None:
    text = page()
    assert "its logits differ by at most\n1.4e-05 (-106.4" in text
    assert 'aria-label="Range r of 1 ReLU6 outputs' in text
    assert 'aria-label="Signal to noise of the logits if one layer alone is int8' in text
