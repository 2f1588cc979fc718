"""Which of Charter's prompts a request asks, and with what: patterns are made of the templates themselves.

A prompt whose words are edited is still recognised, and a new one is known by its file's name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, nodes

PACKAGES = (
    "charter.synthesis",
    "charter.safety",
    "charter.evaluation",
    "charter.training",
    "charter.generation",
)
"""Whose ``prompts`` are known; a template includes those of any."""

_TURN = re.compile(r"^--- (?:system|user|assistant)$", re.MULTILINE)
_ENVIRONMENT = Environment(trim_blocks=True, autoescape=False)


@dataclass(frozen=True)
class Asked:
    """The prompt's name, and what its variables were rendered with, as far as they are told apart."""

    prompt: str
    given: dict[str, str]


class Recogniser:
    """Knows all prompts of Charter that are the user's turn, or whole conversations."""

    def __init__(self) -> None:
        self.sources = {
            file.name.removesuffix(".jinja"): file.read_text(encoding="utf-8")
            for package in PACKAGES
            for file in (resources.files(package) / "prompts").iterdir()
            if file.name.endswith(".jinja")
        }
        self._known = []
        for name, source in self.sources.items():
            if not name.endswith("_system"):
                pattern = _Pattern(self.sources)
                compiled = pattern.compile(source)
                self._known.append((name, bool(_TURN.search(source)), compiled, pattern.letters))

    def recognise(self, messages: Sequence[tuple[str, str]]) -> Asked | None:
        """Return what (role, text) turns ask, None where no template could have been rendered to them.

        Of several the one with the most text of its own is meant.
        """
        turns = [(role, text) for role, text in messages if role != "system"]
        conversation = "\n".join(f"--- {role}\n{text}" for role, text in messages)
        found = [
            (letters, Asked(name, {key: text.strip() for key, text in match.groupdict("").items()}))
            for name, has_turns, pattern, letters in self._known
            if has_turns or len(turns) == 1
            if (match := pattern.fullmatch(conversation if has_turns else turns[0][1]))
        ]
        return max(found, key=lambda one: one[0])[1] if found else None


class _Pattern:
    """A template's text, letter for letter but for blanks, with a group for each variable."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self._groups: set[str] = set()
        self.letters = 0

    def compile(self, source: str) -> re.Pattern[str]:
        return re.compile(rf"\s*{self._body(_ENVIRONMENT.parse(source).body)}\s*", re.DOTALL)

    def _body(self, body: Sequence[nodes.Node]) -> str:
        return "".join(map(self._node, body))

    def _node(self, node: nodes.Node) -> str:
        match node:
            case nodes.Output():
                return self._body(node.nodes)
            case nodes.TemplateData():
                self.letters += len("".join(node.data.split()))
                return r"\s*".join(map(re.escape, re.split(r"\s+", node.data)))
            case nodes.Name() if node.name not in self._groups:
                self._groups.add(node.name)
                return f"(?P<{node.name}>.*?)"
            case nodes.If():
                ways = [node.body, *(other.body for other in node.elif_), node.else_]
                return f"(?:{'|'.join(map(self._body, ways))})"
            case nodes.Include(template=nodes.Const(value=str(file))):
                return self._body(_ENVIRONMENT.parse(self._sources[file.removesuffix(".jinja")]).body)
            case nodes.Assign():
                return ""
            case _:
                return ".*?"
