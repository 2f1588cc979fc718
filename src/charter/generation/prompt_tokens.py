"""Prompts as the tokens that the teacher reads, without loading the teacher."""

from collections.abc import Callable

from transformers import AutoTokenizer

from charter.generation.engine import Request
from charter.project.params import Params
from charter.project.paths import ProjectPaths

Tokenize = Callable[[Request], list[int]]
"""Gives the tokens of a request's prompt, with the chat template's."""


def open_tokenizer(params: Params, paths: ProjectPaths) -> Tokenize:
    """Return the teacher's tokenizer; of a served teacher, which keeps its own, the encoder's stands in.

    Raises:
        CharterError: The teacher's folder doesn't suit its engine.
    """
    if params.teacher.engine == "openvino":
        return _openvino(paths)
    if params.teacher.engine == "transformers":
        tokenizer = AutoTokenizer.from_pretrained(paths.teacher)

        def tokenize(request: Request) -> list[int]:
            messages = [message.model_dump() for message in request.messages]
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            return tokens

        return tokenize
    encoder = AutoTokenizer.from_pretrained(paths.encoder)

    def approximate(request: Request) -> list[int]:
        # Chat templates open and close each turn with some four tokens, which none of the text's ids are.
        turns = [
            [-1, -1, *encoder(message.content, add_special_tokens=False, verbose=False)["input_ids"], -1, -1]
            for message in request.messages
        ]
        return [token for turn in turns for token in turn]

    return approximate


def _openvino(paths: ProjectPaths) -> Tokenize:
    import openvino_genai

    from charter.generation.openvino_engine import convert_teacher, encode_prompt

    tokenizer = openvino_genai.Tokenizer(str(convert_teacher(paths.teacher)))
    return lambda request: list(encode_prompt(tokenizer, request).data[0].tolist())
