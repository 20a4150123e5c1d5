"""Chinese and Japanese, which have no blanks between words."""

import pytest

from similarity.catalog import wording
from similarity.search import search, suggest
from similarity.search.models import SearchWord
from tests.retrieval.search.conftest import names


@pytest.fixture
def wares(indexed):
    return indexed(
        {"name": "赤いリネンシャツ", "category": "シャツ", "description": "夏の定番。"},
        {"name": "青い綿シャツ", "category": "シャツ"},
        {"name": "抹茶茶碗", "category": "食器", "description": "手作りの茶碗"},
        {"name": "iPhone用ケース", "category": "電話"},
        {"name": "红色连衣裙", "category": "连衣裙"},
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("赤いシャツ", ["赤い", "いシ", "シャ", "ャツ"]),
        ("茶碗", ["茶碗"]),
        ("茶", ["茶"]),
        ("iPhone用ケース 2個", ["iphone", "用ケ", "ケー", "ース", "2", "個"]),
        ("셔츠 빨강", ["셔츠", "빨강"]),  # Korean has blanks
        ("ｼｬﾂ", ["シャ", "ャツ"]),  # narrow letters
        ("T-Shirt", ["t", "shirt"]),
    ],
)
def test_runs_become_pairs_of_letters(text, words):
    assert wording.words_of(text) == words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("シャツ", {"赤いリネンシャツ", "青い綿シャツ"}),
        ("リネン", {"赤いリネンシャツ"}),
        ("赤いシャツ", {"赤いリネンシャツ"}),
        ("茶碗", {"抹茶茶碗"}),
        ("茶", {"抹茶茶碗"}),
        ("ケース iphone", {"iPhone用ケース"}),
        ("连衣裙", {"红色连衣裙"}),
    ],
)
def test_a_word_inside_a_run_is_found(wares, text, found):
    page = search(text, hybrid=False)
    assert page.rescued != "popular"
    assert set(names(page)) == found


def test_what_holds_all_of_it_comes_first(wares):
    assert names(search("赤いシャツ", hybrid=False))[0] == "赤いリネンシャツ"


def test_a_word_that_is_nowhere_is_put_right_by_none_that_is_like_it(wares):
    page = search("帽子", hybrid=False)
    assert page.rescued == "popular"
    assert page.did_you_mean == ""


def test_pieces_are_suggested_to_nobody(wares):
    """``いシ`` is no word; titles and categories that begin so are."""
    assert not any(
        wording.is_unspaced(word) for word in SearchWord.objects.values_list("word", flat=True)
    )
    found = suggest("赤いリ")
    assert [(one.kind, one.text) for one in found] == [("product", "赤いリネンシャツ")]
    assert ("category", "シャツ") in [(one.kind, one.text) for one in suggest("シャ")]


def test_quotes_hold_a_run_together(wares):
    assert names(search('"赤いリネン"', hybrid=False)) == ["赤いリネンシャツ"]
    assert search('"赤いシャツ"', hybrid=False).rescued == "popular"
