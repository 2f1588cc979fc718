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

    def _passage(self, chunk: Chunk) -> dict[str, Any]:
        return {"title": self._title, "topics": chunk.topics, "passage": chunk.text}

    def questions(self, chunk: Chunk, style: str, count: int, seed: int) -> Request:
        """Ask for ``count`` questions, one a line, sampled."""
        user = _PROMPTS.render("questions", **self._passage(chunk), style=style, count=count)
        return ask(
            system=self._system,
            user=user,
            max_new_tokens=40 * count,
            temperature=self._temperature,
            seed=seed,
        )

    def answer(self, chunk: Chunk, question: str) -> Request:
        """Ask for the answer of a question, greedily."""
        user = _PROMPTS.render("synthetic_answer", **self._passage(chunk), question=question)
        return ask(system=self._system, user=user, max_new_tokens=80)

    def support(self, chunk: Chunk, answer: str) -> Request:
        """Ask whether an answer is true by the chunk: True or False.

        The question isn't shown: a small teacher that sees it looks whether the answer fits it instead.
        """
        user = _PROMPTS.render("support", **self._passage(chunk), statement=answer)
        return ask_choice((("system", self._system), ("user", user)))

    def value_check(self, chunk: Chunk) -> Request:
        """Ask whether a chunk states a value to act by: Yes or No."""
        turns = (("system", self._system), ("user", _PROMPTS.render("value_check", **self._passage(chunk))))
        return ask_choice(turns)

    def scenarios(self, chunk: Chunk, stance: str, count: int, seed: int) -> Request:
        """Ask for ``count`` yes-or-no questions about practical situations, one a line, sampled."""
        user = _PROMPTS.render("scenarios", **self._passage(chunk), stance=stance, count=count)
        return ask(
            system=self._system,
            user=user,
            max_new_tokens=60 * count,
            temperature=self._temperature,
            seed=seed,
        )

    def rule_questions(self, chunk: Chunk, rule: str, seed: int) -> Request:
        """Ask for two questions that a rule of the chunk answers, one a line, sampled."""
        turns = _PROMPTS.render_turns("rule_questions", title=self._title, topics=chunk.topics, rule=rule)
        return ask_turns(turns, max_new_tokens=80, temperature=self._temperature, seed=seed)

    def opposite_rule(self, rule: str) -> Request:
        """Ask for the opposite of a rule, in its tone and length."""
        return ask_turns(_PROMPTS.render_turns("opposite_rule", rule=rule), max_new_tokens=100)

    def verdict(self, chunk: Chunk, prompt: str, rule: str | None = None) -> Request:
        """Ask for the right answer to a scenario in one word, Yes or No, with no response in view.

        ``rule`` is what decides, in place of the chunk's text.
        """
        passage = self._passage(chunk) | ({} if rule is None else {"passage": rule})
        user = _PROMPTS.render("verdict", **passage, prompt=prompt)
        return ask_choice((("system", self._system), ("user", user)))
