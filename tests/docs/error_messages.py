"""Every message of a CharterError, read from the source: what a user may meet and the docs must explain."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent / "src/charter"
GAP = "…"
"""What stands for a value that is filled in when the error is raised."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Message:
    """One message: the room it comes from, where, and its text with gaps."""

    room: str
    place: str
    text: str

    @property
    def says_something(self) -> bool:
        """Whether there are words of its own in it: some errors only pass on another's text."""
        return len(re.findall(r"[^\W\d_]{2,}", self.text)) >= 2


def error_classes() -> set[str]:
    """CharterError, what derives from it, exceptions of ours that a handler turns into it, and misuse."""
    names = {"CharterError", "BadParameter"}
    nodes = [node for _, tree in _modules() for node in ast.walk(tree)]
    ours = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    handlers = [node for node in nodes if isinstance(node, ast.ExceptHandler) and node.type is not None]
    while True:
        more = {name for name, node in ours.items() if names & _names(*node.bases)}
        for handler in handlers:
            if any(True for _ in _raised(handler, names)):
                more |= _names(handler.type) & ours.keys()
        if more <= names:
            return names
        names |= more


def _names(*nodes: ast.AST | None) -> set[str]:
    return {item.id for node in nodes if node for item in ast.walk(node) if isinstance(item, ast.Name)}


def messages() -> list[Message]:
    """Every message, in the order of the source; one with a choice in it is several."""
    classes = error_classes()
    found = []
    for path, tree in _modules():
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
        room = path.relative_to(SOURCE).parts[0]
        raised = classes | ({"ValueError"} if room == "project" else set())  # of parameters, by pydantic
        for function, call in _raised(tree, raised):
            if not call.args:
                continue
            for text in _texts(call.args[0], function, functions, depth=0):
                place = f"{path.relative_to(SOURCE)}:{call.lineno}"
                found.append(Message(room, place, _tidy(text)))
    return found


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def _raised(tree: ast.AST, classes: set[str]) -> Iterator[tuple[Function | None, ast.Call]]:
    """Each call of such a class, raised or returned, with the innermost function around it."""

    def visit(node: ast.AST, function: Function | None) -> Iterator[tuple[Function | None, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in classes:
                yield function, child
            yield from visit(child, child if isinstance(child, Function) else function)

    yield from visit(tree, None)


def _texts(
    node: ast.expr, function: Function | None, functions: dict[str, Function], depth: int
) -> list[str]:
    """The texts that an expression may have, with gaps for what only a run knows."""

    def inner(item: ast.expr, within: Function | None = function) -> list[str]:
        return _texts(item, within, functions, depth + 1) if depth < 4 else [GAP]

    match node:
        case ast.Constant(value=value):
            return [str(value)]
        case ast.JoinedStr(values=values):
            return ["".join(parts) for parts in product(*map(inner, values))]
        # A function that is called with a whole message edits it.
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Name(), args=[ast.JoinedStr() as value]):
            return inner(value)
        case ast.IfExp(body=body, orelse=orelse):
            return inner(body) + inner(orelse)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return ["".join(parts) for parts in product(inner(left), inner(right))]
        case ast.Name(id=name) if function is not None:
            values, where = _assigned(name, function), function
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            where = functions[name]
            values = [item.value for item in ast.walk(where) if isinstance(item, ast.Return) and item.value]
        case _:
            return [GAP]
    if not any(isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp) for value in values):
        return [GAP]
    return [text for value in values for text in inner(value, where)]


def _assigned(name: str, function: Function) -> list[ast.expr]:
    """What a function assigns to a name."""
    return [
        item.value
        for item in ast.walk(function)
        if isinstance(item, ast.Assign | ast.AnnAssign | ast.NamedExpr)
        and item.value is not None
        and any(
            isinstance(target, ast.Name) and target.id == name
            for target in (item.targets if isinstance(item, ast.Assign) else [item.target])
        )
    ]


def _tidy(text: str) -> str:
    return re.sub(rf"(?:{GAP}\s*)+{GAP}", GAP, re.sub(r"\s+", " ", text)).strip()
