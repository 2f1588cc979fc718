"""How fast the teacher is here and now: a few requests that have to be made anyway, timed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from charter.generation.engine import Request
from charter.generation.journal import JournaledEngine
from charter.generation.prefixes import SharedPrefixes
from charter.generation.prompt_tokens import Tokenize


@dataclass(frozen=True)
class Speed:
    """Seconds until the teacher has answered first, and the tokens a second that it then reads and writes.

    Of 20 phases of two runs with the embedded teacher on two free cores, of 10 to 100 s, one pair of such
    speeds gave the time of each to within 9 s (170 and 79 tokens/s, and 31 s to start).
    """

    start: float
    read: float
    write: float

    def seconds(self, read: float, written: float) -> float:
        """Return the time that reading and writing so many tokens takes, without the start."""
        return read / self.read + written / self.write


@dataclass(frozen=True)
class Timed:
    """What took how many seconds: tokens read anew, and tokens written."""

    seconds: float
    read: int
    written: int


MOST_VERDICTS, MOST_TEXTS = 9, 16
"""Requests that are timed: some two thousand tokens to read, and seven hundred to write."""


def calibrate(
    verdicts: Sequence[Request], texts: Sequence[Request], teacher: JournaledEngine, tokenize: Tokenize
) -> Speed | None:
    """Time requests that the journal doesn't know: verdicts, which are all reading, and texts.

    Their answers are journalled, so the run needn't ask them.

    Returns:
        None where there is nothing to time: fewer than two requests.
    """
    chosen = [*verdicts[:MOST_VERDICTS], *texts[:MOST_TEXTS]]
    if len(chosen) < 2:
        return None
    prefixes = SharedPrefixes()

    def timed(requests: Sequence[Request], purpose: str) -> Timed:
        # What an earlier one shares with it takes no time.
        prompts = [tokenize(request) for request in requests]
        read = sum(len(tokens) - prefixes.add(tokens) for tokens in prompts)
        begin = time.monotonic()
        answers = teacher.complete(requests, purpose)
        return Timed(time.monotonic() - begin, read, sum(answer.tokens for answer in answers))

    start = timed(chosen[:1], "calibration: start").seconds
    reading = timed([request for request in chosen[1:] if request.alternatives], "calibration: reading")
    writing = timed([request for request in chosen[1:] if not request.alternatives], "calibration: writing")
    read, write = solve_speed(reading, writing)
    return Speed(start=start, read=read, write=write)


def solve_speed(reading: Timed, writing: Timed) -> tuple[float, float]:
    """Return the tokens a second read and written, from requests that mostly read and others that write.

    Where there was one kind only, or reading seems to take all the time, as with a server that does many
    things at once, the two can't be told apart: then both are the tokens a second of all.
    """
    tokens = reading.read + reading.written + writing.read + writing.written
    both = tokens / (reading.seconds + writing.seconds)
    if not reading.read or not writing.written:
        return both, both
    read = (reading.read + reading.written) / reading.seconds
    left = writing.seconds - writing.read / read
    return (read, writing.written / left) if left > 0.2 * writing.seconds else (both, both)
