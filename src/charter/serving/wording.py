"""The wording of a question as training and evaluation had it, as part of a chat template."""

import json

from charter.training.chat import answer_messages

_QUESTION = "THE QUESTION"


def wording_template(template: str) -> str:
    """Return a chat template that words the user's turns as training did, in front of the model's own."""
    [turn] = answer_messages(_QUESTION)
    before, after = (json.dumps(part) for part in turn["content"].split(_QUESTION))
    return (
        "{%- set worded = namespace(turns=[]) -%}"
        "{%- for message in messages -%}{%- if message.role == 'user' -%}"
        f"{{%- set turn = {{'role': 'user', 'content': {before} ~ message.content ~ {after}}} -%}}"
        "{%- else -%}{%- set turn = message -%}{%- endif -%}"
        "{%- set worded.turns = worded.turns + [turn] -%}{%- endfor -%}{%- set messages = worded.turns -%}"
    ) + template
