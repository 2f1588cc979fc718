"""The requests that synthesis makes of a teacher.

Each starts with what it shares with others, the system turn and then the chunk or the worked examples, so
that engines with prefix caching read that once.
"""

from charter.generation.engine import Request, ask, ask_choice, ask_turns
from charter.prompts import render, render_turns
from charter.records import Chunk


class TeacherRequests:
    """Writes requests about the chunks of one corpus."""

    def __init__(self, title: str, temperature: float):
        """``title`` is what the prompts call the document."""
        self._title = title
        self._temperature = temperature
        self._system = render("synthesis_system", title=title)

    def _passage(self, chunk: Chunk) -> dict[str, str]:
        return {"title": self._title, "headings": " > ".join(chunk.headings), "passage": chunk.text}

    def questions(self, chunk: Chunk, style: str, count: int, seed: int) -> Request:
        """Ask for ``count`` questions, one a line, sampled."""
        user = render("questions", **self._passage(chunk), style=style, count=count)
        return ask(
            system=self._system,
            user=user,
            max_new_tokens=40 * count,
            temperature=self._temperature,
            seed=seed,
        )

    def answer(self, chunk: Chunk, question: str) -> Request:
        """Ask for the answer of a question, greedily."""
        user = render("synthetic_answer", **self._passage(chunk), question=question)
        return ask(system=self._system, user=user, max_new_tokens=80)

    def support(self, chunk: Chunk, question: str, answer: str) -> Request:
        """Ask whether the chunk supports an answer, Yes or No, as the next turn of the same conversation."""
        given = self.answer(chunk, question).messages
        turns = [*((message.role, message.content) for message in given), ("assistant", answer)]
        return ask_choice([*turns, ("user", render("support"))])

    def value_check(self, chunk: Chunk) -> Request:
        """Ask whether a chunk states a value to act by: Yes or No."""
        turns = (("system", self._system), ("user", render("value_check", **self._passage(chunk))))
        return ask_choice(turns)

    def rules(self, chunk: Chunk, count: int) -> Request:
        """Ask for the chunk's most important rules, one a line."""
        user = render("rules", **self._passage(chunk), count=count)
        return ask(system=self._system, user=user, max_new_tokens=50 * count)

    def scenario(self, rule: str, persona: str, seed: int) -> Request:
        """Ask for a person's question in a situation that a rule decides, sampled."""
        turns = render_turns("scenario", rule=rule, persona=persona)
        return ask_turns(turns, max_new_tokens=80, temperature=self._temperature, seed=seed)

    def opposite_rule(self, rule: str) -> Request:
        """Ask for the opposite of a rule."""
        return ask_turns(render_turns("opposite_rule", rule=rule), max_new_tokens=60)

    def response(self, rule: str, prompt: str) -> Request:
        """Ask for a response that goes strictly by a rule."""
        return ask_turns(render_turns("rule_response", rule=rule, prompt=prompt), max_new_tokens=80)

    def upholds(self, chunk: Chunk, prompt: str, response: str) -> Request:
        """Ask whether a response agrees with the chunk: Yes or No."""
        user = render("upholds", **self._passage(chunk), prompt=prompt, response=response)
        return ask_choice((("system", self._system), ("user", user)))
