"""What is drawn are whole clusters, from all over a set."""

from seq2seq.score.cluster_sample import draw_clusters


def test_whole_clusters_are_drawn_at_random_and_stay_in_their_order() -> None:
    clusters = [f"block {number // 4}" for number in range(400)]
    rows = draw_clusters(clusters, 100)
    assert len(rows) == 100
    assert rows == sorted(rows)
    assert {sum(clusters[row] == name for row in rows) for name in {clusters[r] for r in rows}} == {
        4
    }
    assert max(rows) > 300, "not the first ones"
    assert rows == draw_clusters(clusters, 100)
    assert rows != draw_clusters(clusters, 100, seed=1)
    assert draw_clusters(clusters, 400) == list(range(400))


def test_two_clusters_are_drawn_even_if_they_are_larger_than_what_is_wanted() -> None:
    assert len(draw_clusters(["a"] * 9 + ["b"] * 9 + ["c"] * 9, 8)) == 18


def test_items_of_different_sizes_are_drawn_by_their_sum() -> None:
    clusters, sizes = [f"{number // 2}" for number in range(20)], [1, 4] * 10
    rows = draw_clusters(clusters, 16, sizes=sizes)
    assert len(rows) == 6, "three clusters of 5"
    assert draw_clusters(clusters, 50, sizes=sizes) == list(range(20))
