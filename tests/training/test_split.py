"""Folds that tell the truth: no author and no near-duplicate on both sides."""

import numpy as np

from training.corpus import Example, Label
from training.split import make_folds, near_duplicates


def _examples(n_authors: int, each: int = 6) -> list[Example]:
    label = (Label("price", None, "problem"),)
    return [
        Example(f"комментарий автора {author} под номером {i} про своё", label, author=f"a{author}")
        for author in range(n_authors)
        for i in range(each)
    ]


def test_authors_are_held_out_whole() -> None:
    """Each comment is held out once, with all others of its author."""
    examples = _examples(7)
    folds = make_folds(examples, 3)
    held = np.concatenate([fold.held_out for fold in folds])
    assert sorted(held.tolist()) == list(range(len(examples)))
    for fold in folds:
        train = {examples[i].author for i in fold.train}
        assert train.isdisjoint({examples[i].author for i in fold.held_out})


def test_folds_are_alike_in_size() -> None:
    """No fold is a third larger than another where authors are alike."""
    sizes = [len(fold.held_out) for fold in make_folds(_examples(12), 4)]
    assert max(sizes) <= 1.34 * min(sizes)


def test_near_duplicates_share_a_cluster() -> None:
    """A changed ending or case does not make another comment; another subject does."""
    clusters = near_duplicates([
        "Задержали поставку на две недели и никто не позвонил",
        "задержали поставку на две недели, и никто не позвонил!!!",
        "Задержали поставку на две недели и никто не позвонил нам",
        "Станок работает третий год без единой поломки",
        "ок",
        "Ок.",
    ])  # fmt: skip
    assert clusters[0] == clusters[1] == clusters[2]
    assert clusters[4] == clusters[5]
    assert len(set(clusters.tolist())) == 3


def test_a_twin_by_another_author_is_not_learned_from() -> None:
    """Where two authors wrote the same, the held-out one has no twin on the training side."""
    examples = _examples(4)
    examples[0] = Example("цена высокая очень", author="a0")
    examples[-1] = Example("Цена высокая, очень!", author="a3")
    for fold in make_folds(examples, 4):
        sides = (0 in fold.held_out, len(examples) - 1 in fold.train)
        assert sides != (True, True)


def test_few_authors_fall_back_on_comments() -> None:
    """One author can be cross-validated too."""
    folds = make_folds(_examples(1, each=20), 5)
    assert all(len(fold.held_out) >= 2 for fold in folds)
