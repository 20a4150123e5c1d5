"""No text of a product runs as a formula in a spreadsheet."""

import pytest

from similarity.connections.csv_cells import inert_cell


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹣", "﹦", "−"])
@pytest.mark.parametrize(
    "before", ["", " ", "\n", "\t", "\r", "\u00a0", "\u200b", "\ufeff", "\x00 "]
)
def test_a_formula_is_shown_as_text(sign, before):
    cell = f"{before}{sign}1+1"
    assert inert_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["\n", "\tx", "\rx"])
def test_what_begins_with_a_line_end_is_shown_as_text(cell):
    assert inert_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Mug", " Mug", "1+1=2", "café", "（a）", "'quoted'", "10 %"])
def test_a_name_is_left_as_it_is(cell):
    assert inert_cell(cell) == cell
