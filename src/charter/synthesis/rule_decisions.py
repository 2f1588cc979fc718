"""What people decided of the rules of a document, and the register as it is with that."""

from collections.abc import Sequence

from charter.project.paths import CorpusPaths
from charter.project.records import Rule, RuleDecision
from charter.project.storage import read_rows


def read_rules(paths: CorpusPaths, ask_grey: bool) -> list[Rule]:
    """Read the register of a corpus as people decided (`decide_rules`).

    Raises:
        CharterError: A file is missing or broken.
    """
    return decide_rules(read_rows(paths.rules, Rule), read_rule_decisions(paths), ask_grey)


def read_rule_decisions(paths: CorpusPaths) -> list[RuleDecision]:
    """Read what people decided of a corpus's rules; nothing, where there is no file.

    Raises:
        CharterError: The file is broken.
    """
    return read_rows(paths.decisions, RuleDecision) if paths.decisions.exists() else []


def decide_rules(rules: Sequence[Rule], decisions: Sequence[RuleDecision], ask_grey: bool) -> list[Rule]:
    """Return the rules that rows are written about: as people decided, without those that were struck.

    A grey one that nobody accepted or edited is among them if ``ask_grey``. A decision about a rule that the
    register doesn't have any more, since the document was amended, decides nothing.
    """
    decided = {decision.rule_id: decision for decision in decisions}
    kept = []
    for rule in rules:
        decision = decided.get(rule.id)
        if decision is None:
            kept += [rule] if ask_grey or rule.grey is None else []
        elif decision.decision == "accept":
            kept.append(rule)
        elif decision.decision == "edit":
            kept.append(rule.model_copy(update={"statement": decision.statement, "grey": None}))
    return kept
