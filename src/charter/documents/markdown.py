"""Reducing Markdown to text with headings, lists and tables: no emphasis, links, images or front matter."""

import re

from markdown_it import MarkdownIt

from charter.documents.lines import count_letters

_FENCE = re.compile(r"^\s*(```|~~~)")
# Keys and values only: what stands between two rules may be text.
_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n[\w.-]+[ \t]*:.*\n(?:[\w.-]+[ \t]*:.*\n|[ \t]+.*\n|- .*\n|#.*\n|\n)*?---[ \t]*(?:\n|\Z)"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_UNDERLINED_HEADING = re.compile(r"^(?P<title>[^\s#>|-].*)\n(?P<line>=+|--+)[ \t]*$", re.MULTILINE)
_RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
_REPLACEMENTS = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*]+?)(?<=[^\s\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w\\])_(?=[^\s_])([^_]+?)(?<=[^\s\\])_(?!\w)"), r"\1"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
    (re.compile(r"^(#{1,6} .*?)\s+#+$"), r"\1"),
)


def plain_markdown(text: str) -> str:
    """Return the text with ``#`` headings, list marks, pipe tables and fenced code, and no other markup."""
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", text))
    lines: list[str] = []
    fence = ""
    for line in _hash_headings(text).split("\n"):
        if match := _FENCE.match(line):
            fence = "" if fence == match[1] else fence or match[1]
        elif not fence and _RULE.match(line):
            line = ""
        elif not fence:
            for pattern, replacement in _REPLACEMENTS:
                line = pattern.sub(replacement, line)
        lines.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def count_markdown_letters(text: str) -> int:
    """Return how many letters and digits Markdown shows: not link targets, comments or front matter."""
    tokens = MarkdownIt("commonmark").parse(_COMMENT.sub("", _FRONT_MATTER.sub("", text)))
    inline = (child for token in tokens for child in token.children or () if child.type != "image")
    blocks = (token for token in tokens if token.children is None)
    return sum(count_letters(token.content) for part in (inline, blocks) for token in part)


def _hash_headings(text: str) -> str:
    """Turn underlined headings into hash headings."""
    return _UNDERLINED_HEADING.sub(
        lambda match: f"{'#' if match['line'][0] == '=' else '##'} {match['title']}", text
    )
