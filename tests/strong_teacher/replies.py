"""What the strong teacher says: its rows, written by hand (`deu.yaml` and others), found by what is asked.

A request about something that isn't among them is unknown: the teacher never makes anything up.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from charter.synthesis.direct_method import STYLES
from charter.synthesis.text_filters import NO_ANSWER
from strong_teacher.recognition import Asked

HERE = Path(__file__).parent
LANGUAGES = ("deu", "arb", "hin", "cmn", "fra", "spa", "rus", "jpn")

SURE, UNSURE = 0.97, 0.5
"""How probable a verdict on what the rows have is, and one on anything else."""

RULE_FIELDS = ("statement", "modality", "quotation", "limits", "deciders", "reason", "grey")


class UnknownRequestError(Exception):
    """The rows have nothing to say to this."""


@dataclass(frozen=True)
class Verdict:
    """One word of two, and how probable it is."""

    word: str
    other: str
    probability: float = UNSURE


class Rows:
    """The rows of all languages, by passage, rule, question and situation."""

    def __init__(self) -> None:
        self.chunks: list[dict[str, Any]] = []
        for language in LANGUAGES:
            file = yaml.safe_load((HERE / f"{language}.yaml").read_text(encoding="utf-8"))
            self.chunks += [chunk | {"language": language} for chunk in file["chunks"]]

    def reply(self, asked: Asked) -> str | Verdict:
        """Reply to what a prompt asks, by the method of its name.

        Raises:
            UnknownRequestError: There is no such prompt, or no row about what it asks.
        """
        answer = getattr(self, f"_reply_{asked.prompt}", None)
        if answer is None:
            raise UnknownRequestError(f"no reply to the prompt {asked.prompt}")
        text: str | Verdict = answer(asked.given)
        return text

    def _chunk(self, given: dict[str, str]) -> dict[str, Any]:
        return _only([chunk for chunk in self.chunks if chunk["excerpt"] in given["passage"]], "passage")

    def _rule(self, given: dict[str, str]) -> tuple[dict[str, Any], int]:
        """Return the chunk and the place of a rule, or of the rule of which it is the opposite."""
        found = [
            (chunk, place)
            for chunk in self.chunks
            for place, rule in enumerate(chunk["rules"])
            if given["rule"] == rule["statement"]
        ]
        return _only(found, "rule")

    def _scenario(self, given: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        found = [
            (chunk, row)
            for chunk in self.chunks
            for row in chunk["scenarios"]
            if row["scenario"] == given["situation"]
        ]
        return _only(found, "situation")

    def _reply_list_rules(self, given: dict[str, str]) -> str:
        rules = [{name: rule[name] for name in RULE_FIELDS} for rule in self._chunk(given)["rules"]]
        return json.dumps(rules, ensure_ascii=False, indent=1)

    def _reply_rule_questions_direct(self, given: dict[str, str]) -> str:
        """Questions to the rule in the style, and where there are none yet, in its other styles."""
        self._chunk(given)
        chunk, place = self._rule(given)
        style = _only([name for name, text in STYLES.items() if text == given["style"]], "style")
        of_rule = [row for row in chunk["questions"] if row["rule"] == place]
        rows = [row for row in of_rule if row["style"] == style] or of_rule
        return _lines(rows, "question", given["count"])

    def _reply_natural_answer(self, given: dict[str, str]) -> str:
        rows = [row for row in self._chunk(given)["questions"] if row["question"] == given["question"]]
        return str(rows[0]["answer"]) if rows else NO_ANSWER

    def _reply_situations(self, given: dict[str, str]) -> str:
        self._chunk(given)
        chunk, place = self._rule(given)
        return _lines([row for row in chunk["scenarios"] if row["rule"] == place], "scenario", given["count"])

    def _reply_opposite_rule(self, given: dict[str, str]) -> str:
        """The opposite that is most like the rule in length, as the prompt wants it."""
        chunk, place = self._rule(given)
        opposites = [str(row["opposite"]) for row in chunk["scenarios"] if row["rule"] == place]
        return min(opposites, key=lambda text: abs(len(text) - len(given["rule"])))

    def _reply_reply(self, given: dict[str, str]) -> str:
        """Advise by the rule, or by the opposite of it."""
        chunk, row = self._scenario(given)
        if given["rule"] == chunk["rules"][row["rule"]]["statement"]:
            return str(row["faithful"])
        if given["rule"] in [
            other["opposite"] for other in chunk["scenarios"] if other["rule"] == row["rule"]
        ]:
            return str(row["unfaithful"])
        raise UnknownRequestError(f"not the rule of this situation, nor its opposite: {given['rule']}")

    def _reply_unfaithful_reply(self, given: dict[str, str]) -> str:
        return str(self._scenario(given)[1]["unfaithful"])

    def _reply_value_check(self, given: dict[str, str]) -> Verdict:
        self._chunk(given)
        return Verdict("Yes", "No", SURE)

    def _reply_support(self, given: dict[str, str]) -> Verdict:
        chunk = self._chunk(given)
        right = [row["answer"] for row in chunk["questions"]] + [row["statement"] for row in chunk["rules"]]
        wrong = [row["opposite"] for row in chunk["scenarios"]]
        return _judge(given["statement"], right, wrong, ("True", "False"))

    def _reply_follows(self, given: dict[str, str]) -> Verdict:
        row = self._scenario(given)[1]
        return _judge(given["reply"], [row["faithful"]], [row["unfaithful"]], ("Yes", "No"))

    def _reply_verdict(self, given: dict[str, str]) -> Verdict:
        """The Yes or No with which the right answer begins, if it begins with one."""
        answers = {row["question"]: row["answer"] for row in self._chunk(given)["questions"]}
        words = re.findall(r"\w+", answers.get(given["prompt"], ""))[:1]
        return _judge("".join(words).casefold(), YES, NO, ("Yes", "No"))

    def _reply_judge_answer(self, given: dict[str, str]) -> Verdict:
        rows = [row for row in self._chunk(given)["questions"] if row["question"] == given["question"]]
        return _judge(given["answer"], [row["answer"] for row in rows], [], ("Yes", "No"))

    def _reply_judge_pair(self, given: dict[str, str]) -> Verdict:
        rows = [row for row in self._chunk(given)["questions"] if row["question"] == given["question"]]
        right = [row["answer"] for row in rows]
        first, second = given["first"] in right, given["second"] in right
        return Verdict("A", "B", SURE if first > second else 1 - SURE if second > first else UNSURE)

    def _reply_answer(self, given: dict[str, str]) -> str:
        """Answer as a system that is evaluated, with a passage in view or without."""
        rows = [row for chunk in self.chunks for row in chunk["questions"]]
        known = {row["question"]: str(row["answer"]) for row in rows}
        return known.get(given["question"], "I don't know that.")

    def _reply_refusal(self, given: dict[str, str]) -> str:
        return "I can't help with that, since somebody could come to harm by it."

    def _reply_plain_answer(self, given: dict[str, str]) -> str:
        return (
            "That depends on what you have at hand, so begin with the simplest way and see how far you get."
        )


YES = ("ja", "yes", "sí", "oui", "да", "はい", "हाँ", "हां", "نعم")
NO = ("nein", "no", "non", "нет", "いいえ", "नहीं", "لا")


def _only(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise UnknownRequestError(f"{len(found)} rows have this {what}")
    return found[0]


def _lines(rows: list[dict[str, Any]], name: str, count: str) -> str:
    if not rows:
        raise UnknownRequestError(f"no {name} for this rule")
    return "\n".join(f"{place}. {row[name]}" for place, row in enumerate(rows[: int(count)], start=1))


def _judge(text: str, right: Any, wrong: Any, words: tuple[str, str]) -> Verdict:
    probability = SURE if text in right else 1 - SURE if text in wrong else UNSURE
    return Verdict(*words, probability)
