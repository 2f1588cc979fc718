from charter.training.loop import LengthGroupedSampler, padded_length

LENGTHS = [5, 40, 7, 38, 6, 39, 8, 41, 9, 37, 4, 42, 5, 43, 6, 36]


def order(epoch: float, seed: int = 1, rows_a_step: int = 2) -> list[int]:
    return list(LengthGroupedSampler(LENGTHS, rows_a_step, seed, lambda: epoch))


def test_every_row_is_seen_once_in_an_order_of_seed_and_epoch() -> None:
    assert sorted(order(0)) == list(range(len(LENGTHS)))
    assert order(1) == order(1.75)
    assert order(0) != order(1)
    assert order(0) != order(0, seed=2)


def test_rows_of_like_length_share_a_step() -> None:
    for epoch in range(5):
        rows = order(epoch, rows_a_step=4)
        for start in range(0, len(rows), 4):
            lengths = [LENGTHS[row] for row in rows[start : start + 4]]
            assert max(lengths) - min(lengths) < 10


def test_steps_come_in_no_order_of_length() -> None:
    longest = [max(LENGTHS[row] for row in order(epoch, rows_a_step=4)[:4]) for epoch in range(8)]
    assert len(set(longest)) > 1


def test_an_incomplete_step_comes_last() -> None:
    rows = order(0, rows_a_step=5)
    assert len(rows) == 16
    for start in (0, 5, 10):
        lengths = sorted(LENGTHS[row] for row in rows[start : start + 5])
        assert lengths[-1] - lengths[0] < 35
    assert LENGTHS[rows[-1]] == min(LENGTHS)


def test_a_pair_is_as_long_as_its_longer_side() -> None:
    assert padded_length({"input_ids": [1, 2, 3]}) == 3
    assert padded_length({"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [3, 4, 5]}) == 5
