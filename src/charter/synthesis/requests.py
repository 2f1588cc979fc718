"""The requests that synthesis makes of a teacher.

Each starts with what it shares with others, the system turn and then the chunk or the worked examples, so
that engines with prefix caching read that once.
"""

from typing import Any

from charter.generation.engine import Request, ask_choice, ask_turns
from charter.project.records import Chunk
from charter.project.templates import Prompts

_PROMPTS = Prompts("charter.synthesis", "charter.generation")


class TeacherRequests:
    """Writes requests about the chunks of one corpus."""

    def __init__(self, title: str, temperature: float):
        """``title`` is what the prompts call the document."""
        self._title = title
        self._temperature = temperature
        self._system = _PROMPTS.render("synthesis_system", title=title)

    def questions(self, chunk: Chunk, style: str, count: int, seed: int) -> Request:
        """Ask for ``count`` questions, one a line, sampled."""
        return self._sample("questions", chunk, 40 * count, seed, style=style, count=count)

    def scenarios(self, chunk: Chunk, stance: str, count: int, seed: int) -> Request:
        """Ask for ``count`` yes-or-no questions about practical situations, one a line, sampled."""
        return self._sample("scenarios", chunk, 60 * count, seed, stance=stance, count=count)

    def rule_questions(self, chunk: Chunk, rule: str, seed: int) -> Request:
        """Ask for two questions that a rule of the chunk answers, one a line, sampled."""
        turns = _PROMPTS.render_turns("rule_questions", title=self._title, topics=chunk.topics, rule=rule)
        return ask_turns(turns, max_new_tokens=80, temperature=self._temperature, seed=seed)

    def answer(self, chunk: Chunk, question: str) -> Request:
        """Ask for the answer of a question, greedily."""
        return ask_turns(self._turns("synthetic_answer", chunk, question=question), max_new_tokens=80)

    def opposite_rule(self, rule: str) -> Request:
        """Ask for the opposite of a rule, in its tone and length, greedily."""
        return ask_turns(_PROMPTS.render_turns("opposite_rule", rule=rule), max_new_tokens=100)

    def value_check(self, chunk: Chunk) -> Request:
        """Ask whether a chunk states a value to act by: Yes or No."""
        return ask_choice(self._turns("value_check", chunk))

    def support(self, chunk: Chunk, answer: str) -> Request:
        """Ask whether an answer is true by the chunk: True or False.

        The question isn't shown: a small teacher that sees it looks whether the answer fits it instead.
        """
        return ask_choice(self._turns("support", chunk, statement=answer))

    def verdict(self, chunk: Chunk, prompt: str, rule: str | None = None) -> Request:
        """Ask for the right answer to a scenario in one word, Yes or No, with no response in view.

        ``rule`` is what decides, in place of the chunk's text.
        """
        return ask_choice(self._turns("verdict", chunk, prompt=prompt, passage=rule or chunk.text))

    def _sample(self, name: str, chunk: Chunk, max_new_tokens: int, seed: int, **variables: Any) -> Request:
        turns = self._turns(name, chunk, **variables)
        return ask_turns(turns, max_new_tokens=max_new_tokens, temperature=self._temperature, seed=seed)

    def _turns(self, name: str, chunk: Chunk, **variables: Any) -> list[tuple[str, str]]:
        shown = {"title": self._title, "topics": chunk.topics, "passage": chunk.text} | variables
        return [("system", self._system), ("user", _PROMPTS.render(name, **shown))]
