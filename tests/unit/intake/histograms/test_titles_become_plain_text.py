from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hydra_core.intake.histograms.plain_text import plain_text


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("#sqrt{s} = 12 GeV", "√s = 12 GeV"),
        ("#sqrt{s_{NN}}", "√(s_NN)"),
        ("M(#pi^{+}#pi^{-}) [GeV/c^{2}]", "M(π⁺π⁻) [GeV/c²]"),
        ("#bar{p}p #rightarrow #Lambda#bar{#Lambda}", "p̄p → ΛΛ̄"),
        ("#frac{dE}{dx} [keV/#mum]", "dE/dx [keV/μm]"),
        ("#frac{a+b}{2}", "(a+b)/2"),
        ("#chi^{2}/ndf #leq 5 #pm 0.1#circ", "χ²/ndf ≤ 5 ± 0.1°"),
        ("#it{p}_{T}, x_{12}, E_{#gamma}^{miss}", "p_T, x₁₂, E_γ^miss"),
        ("#font[12]{hits} #color[2]{red} #splitline{one}{two}", "hits red one two"),
        ("board #3, # of hits, #pixels, hit_time", "board #3, # of hits, #pixels, hit_time"),
        ("x_{never closed", "x_{never closed"),
        ("#sqrt without", "#sqrt without"),
        ("$\\frac{1}{2}$", "$\\frac{1}{2}$"),
        ("two\nlines\0and a bell\a", "two lines and a bell"),
        ("", ""),
    ],
)
def test_commands_of_root_become_the_characters_they_stand_for(title: str, plain: str) -> None:
    assert plain_text(title, 60) == plain


def test_a_long_title_ends_with_an_ellipsis() -> None:
    assert plain_text("x" * 50, 10) == "x" * 9 + "…"


PIECES = st.sampled_from(["#", "{", "}", "#sqrt", "#frac", "^", "_", "[", "]", "#mu", "#bar", "a", "\n", "\u202e", "é"])


@given(st.lists(PIECES | st.characters(), max_size=60).map("".join), st.integers(1, 80))
@example("#sqrt{" * 300, 60)
@example("_{" * 3000, 60)
@example("{" * 5000 + "#", 60)
def test_any_text_becomes_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    line = plain_text(text, limit)
    assert len(line) <= limit
    assert not any(unicodedata.category(mark)[0] == "C" or mark in "\n\r\u2028\u2029" for mark in line)
