"""rules: the register of what the document demands, rule by rule."""

from collections import Counter
from typing import Any

from charter.generation.budget import Budget
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.storage import write_rows
from charter.synthesis.choose_method import choose_method
from charter.synthesis.context import open_context


def run(params: Params, paths: CorpusPaths) -> dict[str, Any]:
    """Write the register, and what was refused of it.

    Raises:
        BudgetSpentError: The budget ended first; nothing is written, the journal has the answers.
        CharterError: Not one rule was found.
    """
    with open_teacher(params, paths, Budget(params.budget)) as teacher:
        context = open_context(params, paths, teacher, rules=())
        rules, rejected = choose_method(params).list_rules(context)
    if not rules:
        raise CharterError(f"{paths.chunks}: no rule was found in any passage; is it a document of values?")
    write_rows(paths.rules, rules)
    write_rows(paths.rejected_rules, rejected)
    return {
        "rules": len(rules),
        "modalities": dict(Counter(rule.modality for rule in rules)),
        "grey": sum(rule.grey is not None for rule in rules),
        "chunks_without_rule": len(
            {chunk.id for chunk in context.chunks} - {rule.chunk_id for rule in rules}
        ),
        "rejected": dict(sorted(Counter(row.filter for row in rejected).items())),
    }
