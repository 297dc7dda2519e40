import pytest
from pydantic import ValidationError

from pipeline.profile.results import Profile
from pipeline.profile.tables import HEAD, layer_rows
from tests.profile.profiles import PROFILE


def cells(most: int | None) -> list[dict[str, str]]:
    return [
        dict(zip(HEAD, (cell.replace("\u202f", "").replace("\u00a0", "") for cell in row), strict=True))
        for row in layer_rows(PROFILE, most)
    ]


def test_the_parts_add_up() -> None:
    rows = cells(None)
    assert [row["Layer"] for row in rows] == ["stem", "large", "add", "between the layers", "the inference"]
    assert [row["Instructions"] for row in rows] == ["1000", "3000", "700", "300", "5000"]
    assert rows[-1] == {
        **dict.fromkeys(HEAD, "0%"),
        "Layer": "the inference",
        "MACs": "5400",
        "Instructions": "5000",
        "Share": "100%",
        "MACs each": "1.08",
        "Of bound": "54%",
        "multiply": "47%",
        "load": "47%",
        "branch": "6%",
    }
    assert (PROFILE.products, PROFILE.classes) == (4700, {"multiply": 2350, "load": 2350, "branch": 300})


def test_the_worst_are_those_with_the_most_instructions_beyond_the_bound() -> None:
    # The largest layer has 500 beyond 5000 / 2, the stem 800 beyond 400 / 2, the addition all of its 700.
    assert [layer.name for layer in PROFILE.worst] == ["stem", "add", "large"]
    rows = cells(1)
    assert [row["Layer"] for row in rows] == ["stem", "2 other layers", "between the layers", "the inference"]
    assert (rows[1]["Instructions"], rows[1]["MACs"]) == ("3700", "5000")
    assert cells(2)[1]["MACs each"] == "\u2014"  # an addition has none


def test_the_file_is_checked_when_it_is_read() -> None:
    written = PROFILE.model_dump(mode="json")
    assert Profile.model_validate(written) == PROFILE
    written["layers"][0]["classes"]["nonsense"] = 1
    with pytest.raises(ValidationError, match="nonsense"):
        Profile.model_validate(written)
