"""Votes that become training data: preferred pairs, but for those that ask what the exam asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from charter.comparing.tally import preferred_pairs
from charter.evaluation.exam import has_exam, read_dev
from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import PreferencePair
from charter.project.storage import write_rows
from charter.project.vote_records import Vote
from charter.retrieval.encoder import Encoder
from charter.synthesis.duplicates import Likeness, links_between


@dataclass(frozen=True)
class Adopted:
    """The pairs that were written, and those that were not, being near to the exam's dev part."""

    pairs: Sequence[PreferencePair]
    near: Sequence[PreferencePair]


def adopt_votes(votes: Sequence[Vote], params: Params, paths: CorpusPaths) -> Adopted:
    """Write what voters preferred as pairs that the next synthesize trains on, in place of earlier ones.

    Pairs that are near-duplicates of a held-out row are left out by synthesize, which knows these rows, and
    sealed exam items near to a pair by evaluate, which alone may read them.

    Raises:
        CharterError: The exam is broken, or the encoder isn't there.
    """
    pairs, near = preferred_pairs(votes), set[int]()
    if pairs and has_exam(paths):
        exam, settings = read_dev(paths), params.synthesize
        asked = [row.question for row in exam.questions] + [row.scenario for row in exam.dilemmas]
        prompts = [pair.prompt for pair in pairs]
        likeness = Likeness(settings.max_leak_similarity, settings.max_shared_trigrams)
        encoder = Encoder(paths.encoder, resolve_device(params.compute))
        near = {place for _, place in links_between(asked, prompts, encoder, likeness)}
    kept = [pair for place, pair in enumerate(pairs) if place not in near]
    write_rows(paths.voted_pairs, kept)
    return Adopted(kept, [pairs[place] for place in sorted(near)])
