"""`charter export data`: what it writes is loaded by `datasets` as a user would, without a hub."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import get_dataset_config_names, load_dataset
from trl.data_utils import is_conversational

from charter.project.errors import CharterError
from charter.project.params import load_params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import InstructExample, PreferencePair
from charter.project.review_records import RowMark
from charter.project.storage import file_sha256, read_rows, write_json, write_rows, write_text
from charter.report.dataset_export import MANIFEST, export_data
from synthetic_project import ROOT, write_data


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def metrics(instruct: tuple[int, int, int] = (2, 0, 1)) -> dict[str, Any]:
    counts = dict(zip(("train", "validation", "test"), instruct, strict=True))
    counts["train"] -= 1  # One of the rows that are there is a rule's.
    none = {"train": 0, "validation": 0, "test": 0}
    of_rules = none | {"train": 1}
    pairs = {"train": 1, "validation": 0, "test": 1}
    return {
        "instruct": {"requested": 12, "kept": 3, **counts, "rejected": {"support": 5, "reply": 4}},
        "rule": {"requested": 4, "kept": 1, **of_rules, "rejected": {"subject": 3}},
        "rule-pair": {"requested": 2, "kept": 0, **none, "rejected": {"contrast": 2}},
        "preference": {"requested": 8, "kept": 2, **pairs, "rejected": {"verification": 6}},
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the data of one of its two corpora."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copytree(ROOT / "data/pinned", root / "data/pinned")
    paths = ProjectPaths(root).corpus("udhr")
    write_data(paths)
    write_json(paths.metrics("synthesize"), metrics())
    return root


def export(root: Path, folder: Path, *corpora: str) -> dict[str, dict[str, int]]:
    return export_data(root, load_params(root / "params.yaml"), list(corpora) or None, folder)


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_datasets_loads_what_was_exported(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep/out"
    assert export(root, folder) == {
        "udhr-instruct": {"train": 2, "test": 1},
        "udhr-preference": {"train": 1, "test": 1},
    }
    assert get_dataset_config_names(str(folder)) == ["udhr-instruct", "udhr-preference"]
    source = {
        "chunk_id": "gifts",
        "document": "rules.pdf",
        "document_sha256": "0" * 64,
        "headings": ["Rules", "Gifts"],
        "pages": [3, 4],
        "passage": "Nobody may take gifts above 50 euros. Returned gifts are entered in the register.",
    }
    paths = CorpusPaths(root, "udhr")
    instruct = load_dataset(str(folder), "udhr-instruct", cache_dir=str(tmp_path / "cache"))
    assert set(instruct) == {"train", "test"}  # datasets fails on a split without rows
    for split in instruct:
        assert instruct[split].to_list() == [
            {
                "id": row.id,
                "prompt": [{"role": "user", "content": row.question}],
                "completion": [{"role": "assistant", "content": row.answer}],
                "style": "content",
                "rule": "",
                "support": row.support,
                **source,
            }
            for row in read_rows(paths.instruct(split), InstructExample)
        ]
    preference = load_dataset(str(folder), "udhr-preference", cache_dir=str(tmp_path / "cache"))
    (pair,) = preference["train"].to_list()
    said = {name: pair.pop(name)[0]["content"] for name in ("prompt", "chosen", "rejected")}
    assert said == {"prompt": "May I?", "chosen": "No, it is above 50 euros.", "rejected": "Perhaps."}
    assert {name: value for name, value in pair.items() if name != "id"} == source | {"rule": ""}
    assert is_conversational(instruct["train"][0])
    assert is_conversational(preference["train"][0])


def test_the_card_says_how_the_data_were_made(root: Path, tmp_path: Path) -> None:
    lock = {
        "stages": {
            "synthesize@udhr": {
                "deps": [{"path": "models/base/teacher", "md5": "7ea.dir"}, {"path": "src/x.py", "md5": "0"}]
            }
        }
    }
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    export(root, tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text()
    _, front, text = card.split("---\n", 2)
    configs = yaml.safe_load(front)["configs"]
    assert yaml.safe_load(front)["language"] == ["en"]
    assert configs[1]["data_files"] == [
        {"split": "train", "path": "udhr/preference/train.parquet"},
        {"split": "test", "path": "udhr/preference/test.parquet"},
    ]
    for said in (
        "| 2 | 0 | 1 |",
        "| instruct | 12 | 3 | 25 % |",
        "| instruct | support | 5 | Refuses answers that the teacher, asked again without the question, ",
        "| instruct | form | 0 | Refuses what isn't one question of a sensible length",
        "| instruct | reply | 4 | Refused by the teacher or its server, cut off or empty. |",
        "| rule | 4 | 1 | 25 % |",
        "| rule | subject | 3 | Refuses questions to a rule, which are trained on only, to which another",
        "| preference | verification | 6 |",
        "The register has 3 rules. Training rows speak of 1 of them (33 %)",
        "Held-out rows speak of 1.",
        "2 with a value have no training pair",
        "(artifact qwen2.5-coder-1.5b-instruct): Apache-2.0",
        "`models/base/teacher`, as synthesis read it: MD5 `7ea.dir`",
        "was not measured on this document",
        "Question: QUESTION",
        '"min_preference_margin": 0.2',
        "git checkout unknown",
    ):
        assert said in text
    assert "src/x.py" not in text
    for path in (CorpusPaths(root, "udhr").instruct("train"), tmp_path / "out/udhr/instruct/train.parquet"):
        assert file_sha256(path) in text


def test_validators_are_in_the_card_where_they_were_measured(root: Path, tmp_path: Path) -> None:
    figure = {"value": 0.84, "low": 0.61, "high": 0.95, "n": 19}
    quality = {"n": 32, "precision": figure, "recall": figure, "auc": {**figure, "value": 0.98}}
    write_json(CorpusPaths(root, "udhr").metrics("validators"), {"support": quality})
    params = load_params(root / "params.yaml").model_copy(update={"labelled": {"udhr": "x.jsonl"}})
    export_data(root, params, ["udhr"], tmp_path / "out")
    expected = "| support | 32 | .840 [.610, .950] | .840 [.610, .950] | .980 [.610, .950] |"
    assert expected in (tmp_path / "out/README.md").read_text()


def test_the_same_data_give_the_same_bytes_and_an_earlier_export_is_replaced(
    root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(root, out)
    before = {name: file_sha256(out / name) for name in listed(out)}
    export(root, out)
    assert {name: file_sha256(out / name) for name in before} == before
    paths = CorpusPaths(root, "udhr")
    for split in ("train", "test"):
        write_rows(paths.preference(split), [])
    figures = metrics()
    figures["preference"] |= {"train": 0, "test": 0}
    write_json(paths.metrics("synthesize"), figures)
    assert export(root, out) == {"udhr-instruct": {"train": 2, "test": 1}}
    assert listed(out) == {name for name in before if "preference" not in name}
    assert not (out / "udhr/preference").exists()
    assert set(json.loads((out / MANIFEST).read_text())["files"]) == listed(out) - {MANIFEST}


def test_other_files_are_in_the_way(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(root, out)
    write_text(out / "udhr/thesis.txt", "mine")
    before = {name: (out / name).read_bytes() for name in listed(out)}
    with pytest.raises(CharterError, match=r"no export wrote udhr/thesis\.txt in it; name another folder"):
        export(root, out)
    assert {name: (out / name).read_bytes() for name in listed(out)} == before


def test_an_export_that_fails_leaves_the_earlier_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "above/out"
    export(root, out)
    before = {name: file_sha256(out / name) for name in listed(out)}

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("charter.report.dataset_export.write_json", no_space)
    with pytest.raises(CharterError, match=r"No space left on device.*nothing was exported"):
        export(root, out)
    assert {name: file_sha256(out / name) for name in listed(out)} == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("file", "is a file; name a folder"),
        ("project", r"no export wrote .* in it"),
        ("metrics", r"instruct\.train isn't 2, .*dvc repro synthesize@udhr"),
        ("older metrics", r"synthesize\.json: instruct\.train isn't 2"),
        ("missing", r"sft_test\.jsonl: no such file"),
        ("params", r"params\.yaml: synthesize has changed since synthesize ran"),
        ("teacher", r"params\.yaml: base_models has changed since base-models ran"),
        ("nothing", r"nothing to export: no corpus has data; `dvc repro synthesize@udhr`"),
        ("manifest", r"not what an export writes"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    root: Path, tmp_path: Path, mistake: str, message: str
) -> None:
    paths = CorpusPaths(root, "udhr")
    out = tmp_path / "above/out"
    if mistake == "file":
        write_text(out, "x")
    elif mistake == "project":
        out = root
    elif mistake == "metrics":
        write_json(paths.metrics("synthesize"), metrics(instruct=(3, 0, 1)))
    elif mistake == "older metrics":
        older = metrics()
        del older["rule"], older["rule-pair"]
        write_json(paths.metrics("synthesize"), older)
    elif mistake == "missing":
        paths.instruct("test").unlink()
    elif mistake == "params":
        stage = {"synthesize@udhr": {"params": {"params.yaml": {"synthesize": {"temperature": 0.1}}}}}
        (root / "dvc.lock").write_text(yaml.safe_dump({"stages": stage}))
    elif mistake == "teacher":
        stage = {"base-models": {"params": {"params.yaml": {"base_models": {"teacher": "other"}}}}}
        (root / "dvc.lock").write_text(yaml.safe_dump({"stages": stage}))
    elif mistake == "nothing":
        paths.rejected.unlink()
    else:
        write_text(out / MANIFEST, json.dumps(["params.yaml"]))
    before = listed(tmp_path)
    with pytest.raises(CharterError, match=message):
        export(root, out)
    assert listed(tmp_path) == before
    assert (tmp_path / "above").exists() == (mistake in ("file", "manifest"))


def test_a_served_teacher_has_the_licence_of_its_own_card(root: Path, tmp_path: Path) -> None:
    values = yaml.safe_load((root / "params.yaml").read_text())
    values["base_models"]["teacher"] = {"artifact": None, "hub": None, "served": "large"}
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    export(root, tmp_path / "out")
    assert "(served large): see its own model card" in (tmp_path / "out/README.md").read_text()


def test_the_card_says_what_people_did(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "before")
    assert "**People wrote and checked none of these rows.**" in (tmp_path / "before/README.md").read_text()
    paths = CorpusPaths(root, "udhr")
    voted = read_rows(paths.preference("train"), PreferencePair)[0].model_copy(update={"id": "voted"})
    write_rows(paths.preference("train"), [*read_rows(paths.preference("train"), PreferencePair), voted])
    figures = metrics() | {"vote": {"requested": 2, "kept": 1, "train": 1, "rejected": {"held-out": 1}}}
    write_json(paths.metrics("synthesize"), figures)
    write_rows(
        paths.row_marks,
        [
            RowMark.model_validate({"row_id": row, "split": "train", "mark": mark, "people": ("Ada",)})
            for row, mark in (("voted", "voted"), ("x", "accepted"), ("y", "accepted"))
        ],
    )
    export(root, tmp_path / "after")
    card = (tmp_path / "after/README.md").read_text()
    assert "**What people did**, udhr: 2 rows accepted, 1 rows voted." in card
    assert "wrote and checked none" not in card
    assert "| vote | held-out | 1 | Refuses rows that people edited or voted for" in card
    assert "Rows of kind `vote` are in the training split of the preference data" in card
    assert "Ada" not in card
