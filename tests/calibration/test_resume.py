from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calibration.calibrate import quantize_network, synthetic_needed
from calibration.encoding import Encoding, from_arrays, to_arrays
from calibration.options import Options
from calibration.resume import Arrays, KeptSteps, kept_steps
from tests.calibration.networks import BOUNDS, images, network


class PowerCutError(Exception):
    pass


def quantize(keep: Callable[[str, Callable[[], Arrays]], Arrays]) -> str:
    few, synthetic = images(8), images(synthetic_needed(8), seed=5)
    return quantize_network(network(), few, synthetic, BOUNDS, Options(), keep=keep).graph.sha256()


def steps_of(folder: Path, stop_after: int | None = None) -> tuple[list[str], Callable[..., Arrays]]:
    """Names of the steps that are really made, and a memory that dies before making one too many."""
    kept, made = KeptSteps(folder), []

    def keep(name: str, make: Callable[[], Arrays]) -> Arrays:
        def counted() -> Arrays:
            if len(made) == stop_after:
                raise PowerCutError
            made.append(name)
            return make()

        return kept(name, counted)

    return made, keep


@pytest.mark.parametrize("stop_after", [0, 1, 2, 6])
def test_an_interrupted_run_goes_on_where_it_was_and_gives_the_same_graph(tmp_path, stop_after):
    everything, keep = steps_of(tmp_path / "undisturbed")
    expected = quantize(keep)
    assert everything[:2] == ["synthetic", "encodings"]
    before, keep = steps_of(tmp_path / "killed", stop_after)
    with pytest.raises(PowerCutError):
        quantize(keep)
    after, keep = steps_of(tmp_path / "killed")
    assert quantize(keep) == expected
    assert before + after == everything
    assert len(before) == stop_after


def test_a_damaged_step_is_made_again(tmp_path, capsys):
    _, keep = steps_of(tmp_path)
    expected = quantize(keep)
    damaged = sorted(tmp_path.glob("layer-*.npz"))[3]
    damaged.write_bytes(damaged.read_bytes()[:100])
    made, keep = steps_of(tmp_path)
    assert quantize(keep) == expected
    assert made == [damaged.stem]
    assert f"{damaged}: damaged" in capsys.readouterr().out


def test_other_inputs_have_another_folder(tmp_path):
    arrays = {"images": images(2), "bounds": BOUNDS}
    folder = kept_steps(b"model", arrays, Options(), tmp_path).folder
    assert kept_steps(b"model", {name: a.copy() for name, a in arrays.items()}, Options(), tmp_path).folder == folder
    changed = images(2)
    changed[0, 0, 0, 0] += 1
    others = [
        kept_steps(b"other", arrays, Options(), tmp_path),
        kept_steps(b"model", arrays | {"images": changed}, Options(), tmp_path),
        kept_steps(b"model", arrays | {"images": images(2).reshape(2, 3, 8, 32)}, Options(), tmp_path),
        kept_steps(b"model", arrays, Options(seed=7), tmp_path),
    ]
    assert len({folder, *(other.folder for other in others)}) == 5


def test_finished_runs_leave_nothing(tmp_path):
    kept = KeptSteps(tmp_path / "run")
    kept.remove()
    kept("a", lambda: {"x": np.arange(3)})
    assert KeptSteps(tmp_path / "run").found == 1
    kept.remove()
    assert not (tmp_path / "run").exists()


def test_encodings_survive_being_kept():
    rng = np.random.default_rng(0)
    encodings = {
        name: Encoding(np.float32(rng.random()), int(rng.integers(-128, 128)), rng.random(n), rng.normal(size=n))
        for name, n in (("a", 1), ("b", 7), ("c", 3))
    }
    again = from_arrays(to_arrays(encodings, ["b", "a", "c"]), ["b", "a", "c"])
    for name, encoding in encodings.items():
        assert again[name].scale == encoding.scale
        assert type(again[name].scale) is np.float32
        assert again[name].zero_point == encoding.zero_point
        assert np.array_equal(again[name].unit, encoding.unit)
        assert np.array_equal(again[name].offset, encoding.offset)
