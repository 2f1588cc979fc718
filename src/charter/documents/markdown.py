"""Reducing Markdown to text with headings, lists and tables: no emphasis, links, images or front matter."""

import re
from collections.abc import Iterable
from html import unescape

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from charter.documents.divisions import read_division, titled
from charter.documents.lines import clean_characters, count_letters
from charter.documents.notes import RAISED_BEGINS, RAISED_ENDS, place_raised

# Keys and values only: what stands between two rules may be text.
_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n[\w.-]+[ \t]*:.*\n(?:[\w.-]+[ \t]*:.*\n|[ \t]+.*\n|- .*\n|#.*\n|\n)*?---[ \t]*(?:\n|\Z)"
)
_NOTE = re.compile(r"^\[\^[^\]\s]+\]:[ \t]*", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^[^\]\s]+\]")
_LINKED_MARK = re.compile(r"\[?(?:\d{1,3}|[*†‡])\]?")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_HEADING_MARK = re.compile(r"^(?=#{1,6}\s)", re.MULTILINE)
_MARKDOWN_SIGN = re.compile(
    r"\*\*\S.*?\S\*\*|\[[^\]]+\]\([^)\s]+\)|^ {0,3}(?:```|[-*] |\|.*\|$)", re.MULTILINE
)
_HASH_HEADING = re.compile(r"(?<![^\n]\n)^#{1,6} \S.*$(?!\n[^\n])", re.MULTILINE)


def plain_markdown(text: str, rendered: bool = False) -> tuple[str, int]:
    """Return the text with ``#`` headings, list marks, pipe tables and fenced code, and no other markup.

    With it comes how many letters and digits it shows: not link targets or front matter. In what the document
    reader ``rendered``, angle brackets are text and line breaks are meant.
    """
    parser = MarkdownIt("commonmark", {"html": not rendered, "breaks": rendered}).enable("table")
    tokens = parser.parse(_NOTE.sub("", _COMMENT.sub("", _FRONT_MATTER.sub("", clean_characters(text)))))
    shown = (child for token in tokens for child in token.children or [token] if child.type != "image")
    letters = sum(count_letters(_without_tags(token.content)) for token in shown)
    return "\n\n".join(_blocks(SyntaxTreeNode(tokens).children)) + "\n", letters


def looks_like_markdown(text: str) -> bool:
    """Tell Markdown from plain text: two ``#`` headings between blank lines, or one and another sign."""
    headings = len(_HASH_HEADING.findall(text))
    return headings > 1 or (headings == 1 and _MARKDOWN_SIGN.search(text) is not None)


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> list[str]:
    """The texts of blocks; of two headings in a row, the second is the title of a bare "Chapter 2"."""
    blocks: list[str] = []
    before: SyntaxTreeNode | None = None
    for node in nodes:
        text = _block(node)
        if not text:
            continue
        if before and before.type == node.type == "heading" and before.tag == node.tag:
            division = read_division(blocks[-1].lstrip("# "))
            if division and not division.title and not read_division(text.lstrip("# ")):
                text = titled(blocks.pop(), text.lstrip("# "))
        blocks.append(text)
        before = node
    return blocks


def _block(node: SyntaxTreeNode) -> str:
    if node.type == "heading":
        title = " ".join(_inline(node.children).split())
        return f"{'#' * int(node.tag[1])} {title}" if title else ""
    if node.type in ("paragraph", "inline"):
        return _HEADING_MARK.sub(r"\\", _inline(node.children))
    if node.type in ("bullet_list", "ordered_list"):
        return _list(node)
    if node.type in ("fence", "code_block"):
        mark = node.markup or "```"
        return f"{mark}{node.info}\n{node.content.rstrip()}\n{mark}"
    if node.type == "html_block":
        return _HEADING_MARK.sub(r"\\", _without_tags(node.content).strip())
    if node.type == "table":
        return _table(node)
    return "\n\n".join(_blocks(node.children))


def _list(node: SyntaxTreeNode) -> str:
    tight = all(
        child.hidden for item in node.children for child in item.children if child.type == "paragraph"
    )
    between = "\n" if tight else "\n\n"
    items = []
    for item in node.children:
        mark = f"{item.info}{item.markup} " if node.type == "ordered_list" else "- "
        content = between.join(_blocks(item.children))
        items.append(mark + re.sub(r"\n(?=[^\n])", "\n" + " " * len(mark), content))
    return between.join(items)


def _table(node: SyntaxTreeNode) -> str:
    rows = [
        [_inline(cell.children).replace("\n", " ").replace("|", r"\|") for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _inline(nodes: Iterable[SyntaxTreeNode]) -> str:
    """The text of inline nodes, with the marks of notes and raised numbers in their place."""
    return place_raised(_NOTE_MARK.sub("", _spans(nodes))).strip()


def _spans(nodes: Iterable[SyntaxTreeNode]) -> str:
    text = ""
    for node in nodes:
        if node.type in ("text", "code_inline"):
            text += node.content
        elif node.type == "softbreak":
            text += " "
        elif node.type == "hardbreak" or node.content.lower().startswith("<br"):
            text += "\n"
        elif node.content.lower().startswith("<sup"):
            text += RAISED_BEGINS
        elif node.content.lower().startswith("</sup"):
            text += RAISED_ENDS
        elif node.type == "link":
            inner = _spans(node.children)
            to_note = "#" in str(node.attrs.get("href")) and _LINKED_MARK.fullmatch(inner)
            glued = text[-1:].strip() not in ("", RAISED_BEGINS)
            text += f"{RAISED_BEGINS}{inner}{RAISED_ENDS}" if to_note and glued else inner
        elif node.type != "image":
            text += _spans(node.children)
    return text


def _without_tags(html: str) -> str:
    return unescape(_TAG.sub("", _HIDDEN.sub("", html))) if "<" in html else html
