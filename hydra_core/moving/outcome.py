"""What was taken over, and what was not or not as it was: counted, with the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: So many different lines are kept; a database full of strange names must not fill a page.
MOST_LINES = 500
_LONGEST = 60


@dataclass
class Outcome:
    """Counts that grow while a database is read."""

    taken: Counter[str] = field(default_factory=Counter)
    left: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, what: str, count: int = 1) -> None:
        """Count what was taken."""
        if count:
            self.taken[what] += count

    def leave(self, what: str, why: str, count: int = 1) -> None:
        """Count what was not taken, or not as it was."""
        if not count:
            return
        if (what, why) not in self.left and len(self.left) >= MOST_LINES:
            what, why = "others", f"they come after the first {MOST_LINES} lines"
        self.left[what, why] += count

    def lines(self) -> list[list[object]]:
        """Return what was not taken: [what, how many, why], by what."""
        return [[what, count, why] for (what, why), count in sorted(self.left.items())]


def quoted(name: object) -> str:
    """Return a foreign text so that it can be printed in one line."""
    text = str(name)
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
