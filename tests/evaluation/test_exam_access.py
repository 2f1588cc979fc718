"""The sealed part of the exam is read by evaluate alone, through one function."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from import_graph import MODULES

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(path for folder in ("src", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
EXAM = "charter.evaluation.exam"

READERS = {"src/charter/evaluation/sealed_exam.py"}
"""Who may read the sealed part."""

SITTERS = {"src/charter/stages/evaluate.py", "src/charter/stages/arm.py"}
"""Who may have it sat: the table, and the trainings that stand beside it."""

HANDLERS = {
    "src/charter/project/paths.py",
    "src/charter/evaluation/exam.py",
    "src/charter/evaluation/exam_adding.py",
}
"""Who may know where exams lie: their reader, and what `charter exam add` writes them with."""

PLACES = {"exam_questions", "exam_dilemmas", "exam_seal", "read_exam_files"}
"""What leads to an exam's items other than `read_dev` and `read_sealed`."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def names_used(tree: ast.AST) -> set[str]:
    """Names that are imported, read as attributes or used by themselves."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return names


def literals(tree: ast.AST) -> set[str]:
    """The strings of a module but its docstrings and comments."""
    owners = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    }


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_evaluate_reads_the_sealed_part(path: Path) -> None:
    names = names_used(parsed(path))
    assert path == MODULES[EXAM] or name_of(path) in READERS or "read_sealed" not in names
    assert name_of(path) in READERS | SITTERS or "sealed_examination" not in names


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_one_who_reads_it_is_not_imported_whole(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            assert "charter.evaluation.sealed_exam" not in {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "charter.evaluation":
            assert "sealed_exam" not in {alias.name for alias in node.names}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_module_is_not_imported_whole(path: Path) -> None:
    """Where it is, a name of its own would pass unseen."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            assert EXAM not in {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == EXAM.rpartition(".")[0]:
            assert "exam" not in {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == EXAM:
            assert {alias.name for alias in node.names} <= {
                "has_exam",
                "read_dev",
                "read_sealed",
                "read_exam_files",
            }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nobody_else_knows_where_exams_lie(path: Path) -> None:
    if name_of(path) in HANDLERS:
        return
    tree = parsed(path)
    # the folder that it says to commit, and that it makes
    shown = {"cli/exam.py": {"exam_seal"}, "cli/corpora.py": {"exam_seal"}}
    allowed = next((names for end, names in shown.items() if path.as_posix().endswith(end)), set())
    assert not names_used(tree) & PLACES - allowed
    assert not {text for text in literals(tree) if re.search(r"data/exam\b", text)}


def test_no_parameter_and_no_stage_names_an_exam() -> None:
    """A corpus or a labelled set there would be trained on, or chosen by."""
    assert "data/exam" not in (ROOT / "params.yaml").read_text(encoding="utf-8")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    bodies = {name: stage.get("do", stage) for name, stage in stages.items()}
    named = {name: set(re.findall(r"data/exam\b[^'\"]*", str(body))) for name, body in bodies.items()}
    assert {name: paths for name, paths in named.items() if paths} == {
        "evaluate": {"data/exam/${key}"},
        "arm": {"data/exam/${item.corpus}"},
    }


def test_the_rules_see_what_they_are_to_forbid() -> None:
    tree = ast.parse(f'from {EXAM} import read_sealed\n"""x"""\nopen("data/exam/bcg")\npaths.exam_seal')
    assert names_used(tree) >= {"read_sealed", "exam_seal"}
    assert "data/exam/bcg" in literals(tree)
    functions = {node.name for node in parsed(MODULES[EXAM]).body if isinstance(node, ast.FunctionDef)}
    assert "read_sealed" in functions
