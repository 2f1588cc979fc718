"""The Modelfile by which Ollama serves a GGUF file as it was evaluated."""

from typing import Any

from transformers import GenerationConfig

from charter.serving.gguf_vocabulary import adds_bos


def modelfile(gguf: str, tokenizer: Any, generation: GenerationConfig) -> str:
    """Return a Modelfile: the prompt with the question's place in it, and greedy decoding.

    Ollama's templates are Go's, so it doesn't run a GGUF file's own. It also penalises repetition unless it
    is told otherwise.
    """
    question = [{"role": "user", "content": "{{ .Prompt }}"}]
    prompt = tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=False)
    if adds_bos(tokenizer):
        prompt = prompt.removeprefix(tokenizer.bos_token)
    ends = [tokenizer.convert_ids_to_tokens(end) for end in generation.eos_token_id]
    lines = [
        f"FROM ./{gguf}",
        f'TEMPLATE """{prompt}"""',
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_predict {generation.max_new_tokens}",
        *(f'PARAMETER stop "{end}"' for end in ends),
    ]
    return "\n".join(lines) + "\n"
