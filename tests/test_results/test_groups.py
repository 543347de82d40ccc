"""Components, clusters and opinion groups: against other ways to the same figures, and planted groups."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bot.results import null_model
from bot.results.methods import clusters, components, groups
from bot.results.methods.clusters import adjusted_rand, k_means, silhouette
from bot.results.methods.matrix import NONE, VoteMatrix


def matrix_of(votes) -> VoteMatrix:
    table = np.asarray(votes, dtype=np.int8)
    people, statements = (tuple(map(str, range(size))) for size in table.shape)
    return VoteMatrix(people, statements, table, np.zeros(table.shape, dtype=np.bool_))


def planted(people: int, statements: int = 20, share: float = 1 / 3, seed: int = 5) -> tuple[VoteMatrix, np.ndarray]:
    """Two camps which vote against each other, nine times in ten, on two thirds of the statements."""
    chance = np.random.default_rng(seed)
    camp = (chance.random(people) < share).astype(np.int64)
    leaning = np.where(camp[:, None] == 1, 1, -1) * np.ones((people, statements), dtype=np.int64)
    leaning[chance.random(leaning.shape) < 0.1] *= -1
    leaning[chance.random(leaning.shape) < 1 / 3] = NONE
    return matrix_of(leaning), camp


def drawn(people: int, statements: int, each: int, seed: int = 1) -> VoteMatrix:
    """Votes drawn by lot, with the same odds for all people: there are no groups."""
    chance = np.random.default_rng(seed)
    votes = chance.choice([1, -1, 0], (people, statements), p=[0.5, 0.3, 0.2])
    votes[np.argsort(np.argsort(chance.random(votes.shape), axis=1), axis=1) >= each] = NONE
    return matrix_of(votes)


def planted_groups(sizes: tuple[int, ...], strength: float, seed: int = 7) -> tuple[VoteMatrix, np.ndarray]:
    """Groups that lean one way or the other on two thirds of 40 statements. With a strength of 0.3 a person agrees with
    chance 0.75 or 0.15, where elsewhere it is 0.45; one in ten passes, and each person rates 25.
    """
    chance = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    leaning = chance.choice([-1, 1], (len(sizes), 40)) * (chance.random(40) < 2 / 3)
    agrees = 0.45 + strength * leaning[group]
    draw = chance.random(agrees.shape)
    votes = np.where(draw < agrees, 1, np.where(draw < agrees + 0.1, 0, -1))
    votes[np.argsort(np.argsort(chance.random(votes.shape), axis=1), axis=1) >= 25] = NONE
    return matrix_of(votes), group


def nothing_hidden(matrix: VoteMatrix) -> np.ndarray:
    return np.zeros(len(matrix.statements), dtype=np.bool_)


def test_components_are_those_of_a_singular_value_decomposition():
    chance = np.random.default_rng(3)
    matrix = matrix_of(chance.choice([-1, 0, 1], (60, 8), p=[0.2, 0.1, 0.7]))
    flat = components.plane(matrix, nothing_hidden(matrix), seed=1)
    centred = matrix.votes - matrix.votes.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred)
    assert lengths[1] - lengths[2] > 0.05, "else the components are not defined well enough to compare"
    for number in (0, 1):
        assert abs(flat.loadings[:, number] @ directions[number]) == pytest.approx(1, abs=1e-2)
    assert flat.people == pytest.approx(centred @ flat.loadings, abs=1e-4)


def test_few_votes_are_scaled_and_hidden_columns_count_as_voted():
    matrix = matrix_of([[1, 1, 1, 1], [-1, -1, -1, -1], [1, NONE, NONE, NONE], [-1, 1, NONE, NONE]])
    flat = components.plane(matrix, nothing_hidden(matrix))
    own = (matrix.votes[2, 0] - flat.means[0]) * flat.loadings[0]
    assert flat.people[2] == pytest.approx(own * np.sqrt(4 / 1))
    hidden = np.array([False, True, False, False])
    flat = components.plane(matrix, hidden)
    assert flat.means[1] == 0
    assert flat.loadings[1] == pytest.approx(0)
    assert flat.people[2] == pytest.approx((1 - flat.means[0]) * flat.loadings[0] * np.sqrt(4 / 2))


def test_extremity_is_the_length_of_a_projection():
    matrix = matrix_of([[1, -1], [-1, 1], [1, 0]])
    flat = components.plane(matrix, nothing_hidden(matrix))
    alone = (1 - flat.means[0]) * flat.loadings[0] * np.sqrt(2 / 1)
    assert flat.extremity[0] == pytest.approx(np.hypot(*alone))


def test_nothing_varies_or_nobody_is_there():
    for votes in ([[1, 1], [1, 1]], np.zeros((0, 3)), np.zeros((3, 0))):
        matrix = matrix_of(votes)
        flat = components.plane(matrix, nothing_hidden(matrix))
        assert not flat.people.any()


@pytest.mark.parametrize("k", [2, 3])
def test_k_means_finds_the_best_partition_of_few_points(k):
    chance = np.random.default_rng(k)
    points, weights = chance.normal(size=(8, 2)), chance.integers(1, 5, 8).astype(float)

    def inertia(labels: tuple[int, ...]) -> float:
        total = 0.0
        for label in set(labels):
            mine = [number for number, it in enumerate(labels) if it == label]
            centre = np.average(points[mine], axis=0, weights=weights[mine])
            total += float((weights[mine] * ((points[mine] - centre) ** 2).sum(axis=1)).sum())
        return total

    best = min(inertia(labels) for labels in itertools.product(range(k), repeat=8) if len(set(labels)) == k)
    found = k_means(points, weights, k, seed=0, restarts=30)
    assert found.inertia == pytest.approx(best)
    sizes = np.bincount(found.labels, weights=weights)
    assert sizes.tolist() == sorted(sizes, reverse=True), "the largest is number 0"


def test_silhouette_by_hand():
    points = np.array([[0.0, 0], [1, 0], [4, 0]])
    labels = np.array([0, 0, 1])
    # (4−1)/4 and (3−1)/3; the third is alone and has 0
    assert silhouette(points, np.ones(3), labels) == pytest.approx((3 / 4 + 2 / 3) / 3)


def test_adjusted_rand_by_hand():
    left, right = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    # 2 pairs together in both; 6 and 3 pairs; 15 in all: (2 − 18/15) / (4.5 − 18/15)
    assert adjusted_rand(left, right) == pytest.approx((2 - 1.2) / (4.5 - 1.2))
    assert adjusted_rand(left, left) == 1


def test_planted_camps_are_found_whatever_the_seed():
    matrix, camp = planted(200)
    for seed in range(5):
        found = groups.opinion_groups(matrix, nothing_hidden(matrix), seed)
        assert (found.number, found.why_not) == (2, "")
        assert adjusted_rand(found.label, camp) > 0.95
        assert found.members(0).sum() > found.members(1).sum()
    again = groups.opinion_groups(matrix, nothing_hidden(matrix), 4)
    assert np.array_equal(again.label, found.label)


@pytest.mark.parametrize(
    ("people", "statements", "each"), [(150, 12, 10), (400, 12, 10), (400, 60, 10), (1000, 40, 10), (120, 30, 30)]
)
def test_noise_has_no_groups(people, statements, each, monkeypatch):
    matrix = drawn(people, statements, each)
    found = groups.opinion_groups(matrix, nothing_hidden(matrix))
    assert (found.number, set(found.label.tolist())) == (0, {groups.NOBODY})
    assert found.why_not in {"shuffled votes separate about as well", "another seed finds other groups"}
    monkeypatch.setattr(groups, "shuffled_silhouettes", lambda *_: np.zeros((20, 4)))
    assert "shuffled" not in groups.opinion_groups(matrix, nothing_hidden(matrix)).why_not, "else it would find some"


@pytest.mark.parametrize(
    ("sizes", "strength"),
    [
        ((60, 60), 0.3),
        ((140, 60), 0.3),
        ((200, 20), 0.4),
        ((110, 10), 0.45),
        ((70, 70, 70), 0.4),
        ((90, 80, 30), 0.4),
        ((100, 100, 100, 100), 0.45),
    ],
)
def test_planted_groups_are_found(sizes, strength):
    """With the fourth seed, four groups lie apart on the plane; with others two of them can lie on one another."""
    matrix, group = planted_groups(sizes, strength, seed=4)
    found = groups.opinion_groups(matrix, nothing_hidden(matrix))
    assert (found.number, found.why_not) == (len(sizes), "")
    assert adjusted_rand(found.label, group) > 0.85


def test_groups_that_depend_on_the_seed_are_not_told(monkeypatch):
    matrix, _ = planted(200)

    def other_people(points, numbers, seed):
        found = clusters.partitions(points, numbers, seed)
        return [it._replace(labels=np.roll(it.labels, 20 * (seed % 2))) for it in found]

    monkeypatch.setattr(groups, "partitions", other_people)
    assert groups.opinion_groups(matrix, nothing_hidden(matrix)).why_not == "another seed finds other groups"


def test_groups_are_the_same_whatever_the_seed():
    matrix, _ = planted_groups((90, 80, 30), 0.35)
    found = [groups.opinion_groups(matrix, nothing_hidden(matrix), seed) for seed in range(4)]
    assert {it.number for it in found} == {3}
    assert min(adjusted_rand(one.label, other.label) for one, other in itertools.combinations(found, 2)) >= 0.95


def test_shuffled_votes_stay_with_their_statement():
    chance = np.random.default_rng(2)
    statement = np.sort(chance.integers(0, 9, 500))
    votes = chance.random(500).astype(np.float32)
    dealt = null_model.shuffle_votes(votes, statement, chance)
    assert not np.array_equal(dealt, votes)
    for number in range(9):
        assert sorted(dealt[statement == number]) == sorted(votes[statement == number])


def test_of_many_points_a_sample_tells_where_to_begin(monkeypatch):
    chance = np.random.default_rng(4)
    camp = chance.integers(0, 3, 1500)
    points = chance.normal(size=(1500, 2)) + 5 * np.array([[0, 0], [1, 0], [0, 1]])[camp]
    whole = clusters.partitions(points, [2, 3], seed=1)
    monkeypatch.setattr(clusters, "SAMPLE", 200)
    for few, all_ in zip(clusters.partitions(points, [2, 3], seed=1), whole, strict=True):
        assert adjusted_rand(few.labels, all_.labels) > 0.98
        assert few.silhouette == pytest.approx(all_.silhouette, abs=0.03)


def test_few_people_have_no_groups():
    matrix, _ = planted(99)
    found = groups.opinion_groups(matrix, nothing_hidden(matrix))
    assert found.number == 0
    assert set(found.label.tolist()) == {groups.NOBODY}
    assert found.why_not == "99 people voted on enough statements; groups are formed from 100"


def test_no_group_is_smaller_than_the_least():
    matrix, _ = planted(300, share=0.02)
    found = groups.opinion_groups(matrix, nothing_hidden(matrix), least_in_group=30)
    assert found.number == 0 or np.bincount(found.label[found.eligible]).min() >= 30
    none = groups.opinion_groups(matrix, nothing_hidden(matrix), least_in_group=200)
    assert none.why_not == "no partition leaves 200 people or more in every group"


def test_seven_votes_count_and_fifteen_people_are_filled_up():
    votes = np.full((20, 10), NONE)
    for person in range(20):
        votes[person, : person % 9] = 1
    chosen = groups.eligible(matrix_of(votes))
    counts = np.array([person % 9 for person in range(20)])
    assert chosen.sum() == 15
    assert counts[chosen].min() >= counts[~chosen].max()
    everybody = np.ones((40, 10))
    everybody[:20, 6:] = NONE
    assert groups.eligible(matrix_of(everybody)).tolist() == [False] * 20 + [True] * 20
    assert groups.eligible(matrix_of(np.ones((20, 3)))).all(), "where there are but three statements"
    assert not groups.eligible(matrix_of(np.full((4, 3), NONE))).any()
