"""The register of rules as a spreadsheet, which people decide in, and their decisions read back."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from charter.project.errors import CharterError
from charter.project.records import Chunk, Rule, RuleDecision
from charter.project.storage import atomic_path

DECISIONS = ("accept", "edit", "strike")
_COLUMNS = ("id", "section", "statement", "modality", "limits", "deciders", "reason", "grey", "quotation")
_FILLED_IN = ("decision", "new_statement", "note")


def write_sheet(
    file: Path, rules: Sequence[Rule], chunks: Mapping[str, Chunk], decisions: Mapping[str, RuleDecision]
) -> None:
    """Write a CSV file with a row a rule; ``chunks`` are by their ids, ``decisions`` by those of rules.

    Raises:
        CharterError: The file exists: somebody may have decided in it.
    """
    if file.exists():
        raise CharterError(
            f"{file}: exists already, and may have decisions; take them with --take, and move it away"
        )
    # With a byte order mark, without which spreadsheet programs misread letters beyond ASCII.
    with atomic_path(file) as path, path.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, (*_COLUMNS, *_FILLED_IN), extrasaction="ignore")
        writer.writeheader()
        for rule in rules:
            row = rule.model_dump() | {"section": " > ".join(chunks[rule.chunk_id].headings)}
            row |= {name: "; ".join(row[name]) for name in ("limits", "deciders")}
            if decision := decisions.get(rule.id):
                row |= {
                    "new_statement": decision.statement,
                    **decision.model_dump(include={"decision", "note"}),
                }
            writer.writerow(row)


def read_sheet(file: Path, rules: Sequence[Rule]) -> list[RuleDecision]:
    """Read the decisions of a sheet, those of rows without one left out.

    Raises:
        CharterError: It isn't such a sheet, or rows are wrong; the error names each of them.
    """
    known = {rule.id for rule in rules}
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            # Some spreadsheet programs write semicolons.
            delimiter = ";" if opened.readline().count(";") > 5 else ","
            opened.seek(0)
            rows = list(csv.DictReader(opened, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CharterError(f"{file}: can't be read as a CSV file in UTF-8: {error}") from error
    missing = {"id", *_FILLED_IN} - set(rows[0] if rows else ())
    if missing:
        raise CharterError(
            f"{file}: no column {', '.join(sorted(missing))}; `charter rules --csv` writes them"
        )
    found, problems = [], []
    for line, row in enumerate(rows, start=2):
        decision = (row["decision"] or "").strip().lower()
        if not decision:
            continue
        new_statement = " ".join((row["new_statement"] or "").split())
        if row["id"] not in known:
            problems.append(f"row {line}: no rule {row['id']!r} in the register")
        elif decision not in DECISIONS:
            problems.append(f"row {line}: decision is {decision!r}, not {', '.join(DECISIONS)}")
        elif (decision == "edit") != bool(new_statement):
            problems.append(f"row {line}: new_statement is for decision edit, and edit needs one")
        else:
            found.append(
                RuleDecision.model_validate(
                    {
                        "rule_id": row["id"],
                        "decision": decision,
                        "statement": new_statement,
                        "note": (row["note"] or "").strip(),
                    }
                )
            )
    if problems:
        raise CharterError(f"{file}: nothing was taken from it:\n" + "\n".join(problems))
    return found
