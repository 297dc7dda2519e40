from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sweep.choice import best, frontier, pareto, to_train
from pipeline.sweep.estimate import Candidate

POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=12)


def candidate(width: float, macs: int, instructions: int, ram: int = 10, missing: int = 0, side: int = 96) -> Candidate:
    lacks = {"sram": missing} if missing else {}
    return Candidate("board", width, side, "portable", "frame", macs, 1, instructions, ram, 10, lacks)


@given(POINTS)
def test_the_frontier_is_what_nothing_beats_and_it_beats_the_rest(points: list[tuple[int, int, int]]):
    kept = pareto(points, lambda point: point)

    def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    assert not any(beats(one, other) for one in points for other in kept)
    assert all(any(beats(one, other) for one in kept) for other in points if other not in kept)
    assert kept == [point for point in points if point in kept]


def test_untrained_the_best_is_the_largest_that_fits():
    small, large, huge = candidate(0.35, 10, 50), candidate(0.5, 20, 90), candidate(1.0, 99, 300, missing=5)
    assert best([small, large, huge], {}) is large
    assert best([small, large, huge], {}, most_instructions=60) is small
    assert best([huge], {}) is None and best([small], {}, most_instructions=49) is None


def test_of_the_same_network_the_cheaper_kernels_are_the_best():
    slow, fast = candidate(0.5, 20, 90), candidate(0.5, 20, 60)
    assert best([slow, fast], {}) is fast and frontier([slow, fast], {}) == [fast]


def test_whole_images_go_before_rows_that_are_as_quick():
    frame = candidate(0.5, 20, 90, ram=30)
    rows = replace(frame, input="rows", ram_bytes=10)
    assert best([rows, frame], {}) is frame and frontier([rows, frame], {}) == [rows]
    assert best([rows, replace(frame, missing={"sram": 1})], {}) is rows


def test_accuracy_decides_where_it_is_known():
    small, large = candidate(0.35, 10, 50), candidate(0.5, 20, 90)
    assert best([small, large], {(0.35, 96): 0.9}) is small
    assert best([small, large], {(0.35, 96): 0.9, (0.5, 96): 0.8}) is small
    assert frontier([small, large], {(0.35, 96): 0.9, (0.5, 96): 0.8}) == [small]


def test_what_does_not_fit_is_never_worth_a_look():
    assert frontier([candidate(1.0, 99, 1, missing=1)], {}) == []


def test_networks_to_train_are_spread_and_begin_with_the_largest():
    one = [candidate(width, int(width * 100), int(width * 100)) for width in (0.35, 0.5, 0.75, 1.0, 1.4)]
    assert to_train([one], 1) == [(1.4, 96)]
    assert to_train([one], 2) == [(0.35, 96), (1.4, 96)]
    assert to_train([one], 3) == [(0.35, 96), (0.75, 96), (1.4, 96)]
    assert len(to_train([one], 9)) == 5 and to_train([[], one[:1]], 4) == [(0.35, 96)]
