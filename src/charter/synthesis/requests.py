"""The requests that synthesis makes of a teacher.

Each starts with what it shares with others, the system turn and then the chunk or the worked examples, so
that engines with prefix caching read that once.
"""

from typing import Any

from charter.generation.engine import Request, ask, ask_choice, ask_turns
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
        user = self._render("questions", chunk, style=style, count=count)
        return self._sample(user, 40 * count, seed)

    def scenarios(self, chunk: Chunk, stance: str, count: int, seed: int) -> Request:
        """Ask for ``count`` yes-or-no questions about practical situations, one a line, sampled."""
        user = self._render("scenarios", chunk, stance=stance, count=count)
        return self._sample(user, 60 * count, seed)

    def rule_questions(self, chunk: Chunk, rule: str, seed: int) -> Request:
        """Ask for two questions that a rule of the chunk answers, one a line, sampled."""
        turns = _PROMPTS.render_turns("rule_questions", title=self._title, topics=chunk.topics, rule=rule)
        return ask_turns(turns, max_new_tokens=80, temperature=self._temperature, seed=seed)

    def answer(self, chunk: Chunk, question: str) -> Request:
        """Ask for the answer of a question, greedily."""
        user = self._render("synthetic_answer", chunk, question=question)
        return ask(system=self._system, user=user, max_new_tokens=80)

    def opposite_rule(self, rule: str) -> Request:
        """Ask for the opposite of a rule, in its tone and length, greedily."""
        return ask_turns(_PROMPTS.render_turns("opposite_rule", rule=rule), max_new_tokens=100)

    def value_check(self, chunk: Chunk) -> Request:
        """Ask whether a chunk states a value to act by: Yes or No."""
        return self._choice(self._render("value_check", chunk))

    def support(self, chunk: Chunk, answer: str) -> Request:
        """Ask whether an answer is true by the chunk: True or False.

        The question isn't shown: a small teacher that sees it looks whether the answer fits it instead.
        """
        return self._choice(self._render("support", chunk, statement=answer))

    def verdict(self, chunk: Chunk, prompt: str, rule: str | None = None) -> Request:
        """Ask for the right answer to a scenario in one word, Yes or No, with no response in view.

        ``rule`` is what decides, in place of the chunk's text.
        """
        return self._choice(self._render("verdict", chunk, prompt=prompt, passage=rule or chunk.text))

    def _render(self, name: str, chunk: Chunk, **variables: Any) -> str:
        shown = {"title": self._title, "topics": chunk.topics, "passage": chunk.text} | variables
        return _PROMPTS.render(name, **shown)

    def _sample(self, user: str, max_new_tokens: int, seed: int) -> Request:
        temperature = self._temperature
        return ask(
            system=self._system, user=user, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
        )

    def _choice(self, user: str) -> Request:
        return ask_choice((("system", self._system), ("user", user)))
