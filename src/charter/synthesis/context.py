"""What the steps of a synthesis have in common: what is written about, who is asked, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from charter.documents.corpus_language import main_language, may_not_know
from charter.documents.language_codes import language_name
from charter.generation.engine import Request, ask_choice, ask_turns
from charter.generation.journal import JournaledEngine
from charter.project.devices import resolve_device
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk, Rule
from charter.project.sections import Synthesize
from charter.project.storage import read_rows
from charter.project.templates import Prompts
from charter.retrieval.encoder import Encoder
from charter.synthesis.word_weights import WordWeights

_PROMPTS = Prompts("charter.synthesis", "charter.generation")


@dataclass(frozen=True)
class SynthesisContext:
    """All chunks of a corpus, the teacher that is asked about them, and how.

    ``title`` is what the prompts call the document, ``rules`` is its register, ``encoder`` compares texts,
    ``settings`` and ``seed`` are those of params.yaml.
    """

    title: str
    chunks: Sequence[Chunk]
    rules: Sequence[Rule]
    teacher: JournaledEngine
    encoder: Encoder
    settings: Synthesize
    seed: int

    def request(self, prompt: str, chunk: Chunk, /, *, max_tokens: int, **given: Any) -> Request:
        """Ask for text about a chunk, greedily."""
        return ask_turns(self._turns(prompt, chunk, given), max_new_tokens=max_tokens)

    def sample(
        self, prompt: str, chunk: Chunk, /, *, max_tokens: int, turn: int = 0, **given: Any
    ) -> Request:
        """Ask for text about a chunk, sampled; ``turn`` moves the seed."""
        return ask_turns(
            self._turns(prompt, chunk, given),
            max_new_tokens=max_tokens,
            temperature=self.settings.temperature,
            seed=self.seed + turn,
        )

    def choice(self, prompt: str, chunk: Chunk, words: tuple[str, str], /, **given: Any) -> Request:
        """Ask a question about a chunk that one of two words answers."""
        return ask_choice(self._turns(prompt, chunk, given), words)

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """The reason of each rule whose passage gives one, by the rule's statement."""
        return {rule.statement: rule.reason for rule in self.rules if rule.reason}

    @cached_property
    def word_weights(self) -> WordWeights:
        """How much the document's words tell."""
        return WordWeights(self.chunks)

    def _turns(self, prompt: str, chunk: Chunk, given: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Render a prompt; one that brings no system turn gets that of synthesis.

        It starts with what it shares with others, so that engines with prefix caching read that once.
        """
        language = language_name(chunk.language)
        variables = {"title": self.title, "topics": chunk.topics, "passage": chunk.text, "language": language}
        variables |= given
        turns = _PROMPTS.render_turns(prompt, **variables)
        if turns[0][0] == "system":
            return turns
        return [("system", _PROMPTS.render("synthesis_system", **variables)), *turns]


def open_context(
    params: Params, paths: CorpusPaths, teacher: JournaledEngine, rules: Sequence[Rule]
) -> SynthesisContext:
    """Read a corpus's chunks and load the encoder.

    Encoders find all texts alike that are in a language which they don't know, so there what says the same is
    told by words alone; leaks into training are still told by both.

    Raises:
        CharterError: Either isn't there.
    """
    chunks, settings = read_rows(paths.chunks, Chunk), params.synthesize
    language = main_language(chunk.language for chunk in chunks)
    if may_not_know(params.base_models.encoder.name, language):
        settings = settings.model_copy(update={"max_question_similarity": 1.0})
    return SynthesisContext(
        title=params.corpora[paths.name].title,
        chunks=chunks,
        rules=rules,
        teacher=teacher,
        encoder=Encoder(paths.encoder, resolve_device(params.compute)),
        settings=settings,
        seed=params.seed,
    )
