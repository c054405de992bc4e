"""The errors a user can meet, and the exit codes they end with.

Every message names what was being handled, the cause and the next step; ``docs/common-errors.md`` lists them.
"""

from __future__ import annotations


class HydraError(Exception):
    """Something a user can mend: the command stops with one sentence instead of a traceback.

    Parameters
    ----------
    cause
        What is wrong, in words, naming the file and the run where there is one.
    next_step
        What the user should do now: a command, or whom to ask.
    """

    exit_code = 1

    def __init__(self, cause: str, *, next_step: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.cause}\n  next: {self.next_step}" if self.next_step else self.cause


class ConfigError(HydraError):
    """A site's configuration cannot be used."""

    exit_code = 3


class DatabaseError(HydraError):
    """The database is missing, of another schema version, or out of reach."""

    exit_code = 4


class WorkflowError(HydraError):
    """Cylc is missing, refused a command, or the pass is not in a state that allows it."""

    exit_code = 5


class DataError(HydraError):
    """A file that Hydra itself wrote (block, archive, model) is damaged or has been altered."""

    exit_code = 6


class RequestError(HydraError):
    """A request file from the inbox breaks a rule and was put into quarantine."""

    exit_code = 7
