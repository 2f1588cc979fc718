"""A project in which evaluate can run, on tiny random models."""

import shutil
from pathlib import Path

import pytest

from charter.evaluation.exam_split import Exam, seal_exam, write_seal
from charter.project.exam_records import EverydayFact
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import (
    GeneralPrompt,
    InstructExample,
    LabelledResponse,
    PreferencePair,
    ProbePrompt,
    content_id,
)
from charter.project.storage import write_json, write_rows, write_text
from exam_rows import pair_of, question_of, unanswerable, write_exam
from rows import chunk_of
from small_evaluation import TOPICS


@pytest.fixture
def paths(params: Params, base_models: ProjectPaths, tiny_seed: Path, tmp_path: Path) -> CorpusPaths:
    """A project as it is before evaluate; the adapters of cft and sft change nothing."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from charter.stages import rag_index

    paths = ProjectPaths(tmp_path).corpus("bcg")
    paths.seed.parent.mkdir(parents=True)
    paths.seed.symlink_to(tiny_seed)
    shutil.copytree(tiny_seed, paths.teacher)
    write_json(paths.teacher / "source.json", {"artifact": "tiny"})
    paths.encoder.symlink_to(base_models.encoder)
    write_text(tmp_path / params.corpora["bcg"].path, "the document")
    for name in ("cft", "sft", "dpo"):
        config = LoraConfig(target_modules="all-linear", init_lora_weights=name != "dpo")
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_seed), config).save_pretrained(
            paths.adapter(name)
        )
    texts = {topic: f"The manager decides about {topic}." for topic in TOPICS}
    write_rows(
        paths.chunks,
        (chunk_of(text, chunk_id=topic) for topic, text in texts.items()),
    )
    for split in ("train", "test"):
        write_rows(
            paths.instruct(split),
            (
                InstructExample(
                    id=content_id(topic),
                    chunk_id=topic,
                    rule="",
                    style="rule",
                    question=f"And {topic}?",
                    answer=text,
                )
                for topic, text in list(texts.items())[:4]
            ),
        )
        write_rows(
            paths.preference(split),
            (
                PreferencePair(
                    id=content_id(topic),
                    rule="",
                    chunk_id=topic,
                    prompt=f"{topic}?",
                    chosen=text,
                    rejected="Just do.",
                )
                for topic, text in list(texts.items())[:4]
            ),
        )
    for kind in ("harmful", "benign"):
        prompts = [f"How do I {'steal' if kind == 'harmful' else 'order'} {topic}?" for topic in TOPICS]
        write_rows(
            paths.probes(kind),
            (ProbePrompt(id=content_id(prompt), source="s", prompt=prompt) for prompt in prompts),
        )
    write_rows(
        paths.labelled,
        (
            LabelledResponse(
                request=f"How do I get {topic} {number}?",
                response=f"Sorry, I can't help with {topic} {number}."
                if refused
                else f"To get {topic}, ask.",
                refused=refused,
            )
            for topic in TOPICS
            for number, refused in enumerate((True, False))
        ),
    )
    write_rows(
        paths.general,
        (GeneralPrompt(prompt=f"What is {topic}?") for topic in TOPICS),
    )
    write_rows(
        paths.facts,
        (EverydayFact(prompt=f"Which thing is {topic}?", answers=(f"No {topic}",)) for topic in TOPICS),
    )
    story = "\n\n".join(f"There was rain on {topic}." for topic in TOPICS)
    write_text(paths.general_texts / "story.txt", story)
    write_rows(paths.demonstrations, [])
    questions = [
        question_of(f"q-{topic}", topic, key_facts=(("manager",),), quote=text)
        for topic, text in texts.items()
    ]
    questions += [
        question_of(
            f"v-{topic}",
            topic,
            question=f"Does somebody decide about {topic}?",
            references=("Yes, the manager.",),
            key_facts=(("manager",),),
            polarity="yes",
            quote=text,
        )
        for topic, text in texts.items()
    ]
    questions += [unanswerable(f"u-{topic}", topic) for topic in texts]
    dilemmas = [row for topic in texts for row in pair_of(f"p-{topic}", topic)]
    write_exam(paths, questions, dilemmas)
    write_seal(paths.exam_seal, seal_exam(Exam(questions, dilemmas), 42))
    rag_index.run(params, paths)
    return paths
