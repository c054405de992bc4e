"""Titles from outside as one short line of printable text, with ROOT's formulae written in plain characters."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 1000  # characters of a title that are looked at
_DEEPEST = 8
_GREEK = (
    "alpha:α beta:β gamma:γ delta:δ epsilon:ε varepsilon:ε zeta:ζ eta:η theta:θ vartheta:ϑ iota:ι kappa:κ lambda:λ "
    "mu:μ nu:ν xi:ξ omicron:ο pi:π rho:ρ sigma:σ varsigma:ς tau:τ upsilon:υ phi:φ varphi:φ chi:χ psi:ψ omega:ω "
    "Alpha:Α Beta:Β Gamma:Γ Delta:Δ Epsilon:Ε Zeta:Ζ Eta:Η Theta:Θ Iota:Ι Kappa:Κ Lambda:Λ Mu:Μ Nu:Ν Xi:Ξ Omicron:Ο "
    "Pi:Π Rho:Ρ Sigma:Σ Tau:Τ Upsilon:Υ Phi:Φ Chi:Χ Psi:Ψ Omega:Ω"
)
_SIGNS = (
    "pm:± mp:∓ times:× divide:÷ cdot:· circ:° bullet:• ast:* minus:− plus:+ leq:≤ geq:≥ neq:≠ equiv:≡ approx:≈ sim:~ "
    "propto:∝ infty:∞ partial:∂ nabla:∇ sum:Σ prod:Π int:∫ oint:∮ perp:⊥ parallel:∥ angle:∠ GT:> LT:< ell:ℓ hbar:ħ "
    "rightarrow:→ leftarrow:← uparrow:↑ downarrow:↓ leftrightarrow:↔ Rightarrow:⇒ Leftarrow:⇐ otimes:⊗ oplus:⊕ "
    "prime:′ void: left: right: backslash:\\"
)
_SYMBOLS = dict(pair.split(":", 1) for pair in (_GREEK + " " + _SIGNS).split(" "))
#: Commands that only change how their argument looks.
_LOOKS = frozenset(("it", "bf", "font", "color", "scale", "lower", "kern", "mbox", "text", "url"))
_ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}
_NAMES = sorted({*_SYMBOLS, *_LOOKS, *_ACCENTS, "sqrt", "frac", "splitline", "overline"}, key=len, reverse=True)
_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()aeoxhklmnpstij", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ")


def plain_text(text: str, limit: int) -> str:
    """Return a text from outside as one line of printable characters.

    ROOT's commands (``#mu``, ``#sqrt{s}``, ``x_{1}``, ``cm^{2}``) become the characters they stand for where there are
    such; what is no such command stays as it is. Nothing is ever taken for a formula of matplotlib.

    Parameters
    ----------
    text
        Any text.
    limit
        Largest number of characters; a longer text ends with an ellipsis.

    Examples
    --------
    >>> plain_text("#sqrt{s} = 12 GeV, #theta_{e} #pm 0.1#circ", 60)
    '√s = 12 GeV, θₑ ± 0.1°'
    >>> plain_text("board #3, hit_time", 60)
    'board #3, hit_time'
    """
    written = _written(text[:_LONGEST], 0) if "#" in text or "{" in text else text[:_LONGEST]
    line = "".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in written)
    line = re.sub(" {2,}", " ", line).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _written(text: str, depth: int) -> str:
    if depth > _DEEPEST:
        return text
    found: list[str] = []
    place = 0
    while place < len(text):
        mark = text[place]
        name = _command(text, place + 1) if mark == "#" else ""
        if name:
            piece, place = _replaced(name, text, place + 1 + len(name), depth)
            found.append(piece)
            continue
        if mark in "^_" and (argument := _argument(text, place + 1)) is not None:
            inner, place = _written(argument, depth + 1), place + 3 + len(argument)
            found.append(_shifted(mark, inner))
            continue
        found.append(mark)
        place += 1
    return "".join(found)


def _command(text: str, start: int) -> str:
    """Return the name of the command that begins here: the longest that fits, as in ROOT; empty for none."""
    for name in _NAMES:
        if text.startswith(name, start):
            # "#pixels" counts pixels: a word, not the letter pi.
            rest = re.match("[a-z]*", text[start + len(name) :])
            return "" if rest is not None and len(rest[0]) > 2 else name
    return ""


def _replaced(name: str, text: str, place: int, depth: int) -> tuple[str, int]:
    """Return what a command stands for, and the place behind it and its arguments."""
    if name in _SYMBOLS:
        return _SYMBOLS[name], place
    option = re.match(r"\[[^\[\]]*\]", text[place:])
    start = place + (len(option[0]) if option else 0)
    argument = _argument(text, start)
    if argument is None:
        return "#" + name, place
    start += len(argument) + 2
    inner = _written(argument, depth + 1)
    if name in _ACCENTS or name == "overline":
        accent = _ACCENTS.get(name, "\u0304")
        return (inner + accent if len(inner) == 1 else inner), start
    if name == "sqrt":
        return ("√" + inner if len(inner) == 1 else f"√({inner})"), start
    if name in ("frac", "splitline") and (second := _argument(text, start)) is not None:
        other = _written(second, depth + 1)
        both = f"{_bound(inner, '')}/{_bound(other, '')}" if name == "frac" else f"{inner} {other}"
        return both, start + len(second) + 2
    return inner, start


def _argument(text: str, start: int) -> str | None:
    """Return what stands between the braces that begin here; None where there are none or they never close."""
    if not text.startswith("{", start):
        return None
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place]
    return None


def _shifted(mark: str, inner: str) -> str:
    table = _RAISED if mark == "^" else _LOWERED
    moved = inner.translate(table)
    if all(new != old for new, old in zip(moved, inner, strict=True)):
        return moved
    if inner in ("°", "′", "*"):
        return inner
    return f"{mark}{_bound(inner)}" if mark == "^" else f"_{inner}"


def _bound(inner: str, signs: str = "*+−-") -> str:
    return inner if all(mark.isalnum() or mark in "_.°′" + signs for mark in inner) else f"({inner})"
