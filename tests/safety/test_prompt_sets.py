import json

import pytest

from charter.project.errors import CharterError
from charter.safety.prompt_sets import read_labelled, read_prompts, unique_prompts


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("set/a.jsonl", '{"prompt": "One?", "intents": []}\n\n{"prompt": " Two? ", "intents": []}\n'),
        ("set/a.txt", "One?\n\nTwo?\n"),
        ("set/a.json", json.dumps({"payloads": ["One?", "Two?"], "intent": "x"})),
        ("set/a.json", json.dumps([{"text": "One?", "id": "1"}, {"text": "Two?", "id": "2"}])),
    ],
)
def test_every_form_gives_the_prompts_and_their_source(name: str, text: str) -> None:
    rows = read_prompts(name, text)
    assert [(row.prompt, row.source) for row in rows] == [("One?", name), ("Two?", name)]


def test_a_separator_inside_a_json_string_ends_no_line() -> None:
    [row] = read_prompts("a.jsonl", '{"prompt": "One\u2028two?"}\n')
    assert row.prompt == "One\u2028two?"


def test_another_form_is_refused() -> None:
    with pytest.raises(CharterError, match=r"a\.yaml: \.yaml: prompts are"):
        read_prompts("a.yaml", "")


def test_the_first_of_equal_prompts_stays() -> None:
    rows = [*read_prompts("a.txt", "One?\nTwo?"), *read_prompts("b.txt", "Two?\nThree?")]
    assert [(row.prompt, row.source) for row in unique_prompts(rows)] == [
        ("One?", "a.txt"),
        ("Two?", "a.txt"),
        ("Three?", "b.txt"),
    ]


def test_labels_are_read_below_comments_with_line_ends_in_responses() -> None:
    text = (
        "\ufeff# version\n# more\nobjective,assistant_response,human_score,data_type\r\n"
        'How?,"First,\nthen ""so"".",0,text\r\nBomb?,No.,1,text\r\n'
    )
    rows = read_labelled(text)
    assert [(row.request, row.response, row.refused) for row in rows] == [
        ("How?", 'First,\nthen "so".', False),
        ("Bomb?", "No.", True),
    ]
