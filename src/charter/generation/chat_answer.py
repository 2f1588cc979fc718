"""A chat completion as servers send it: where its text and its thinking are, why it ended, what it took."""

from typing import Any

from openai.types.chat.chat_completion_token_logprob import TopLogprob
from pydantic import AliasChoices, AliasPath, BaseModel, Field

from charter.generation.engine import CUT_OFF
from charter.generation.verdict import CLOSED, OPENED, without_thinking


class _Message(BaseModel):
    """One turn; ``content`` is a text or, of some servers, a list of parts, thoughts among them."""

    content: str | list[str | dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning: Any = None
    reasoning_content: Any = None


class _Token(BaseModel):
    top_logprobs: list[TopLogprob] | None = None


class _Choice(BaseModel):
    message: _Message
    finish: str | None = Field(default=None, validation_alias="finish_reason")
    logprobs: list[_Token] | None = Field(default=None, validation_alias=AliasPath("logprobs", "content"))


def _usage(*names: str) -> AliasChoices:
    return AliasChoices(*(AliasPath("usage", name) for name in names))


class ChatAnswer(BaseModel):
    """What is read of a chat completion; whatever else it has is passed over."""

    choices: list[_Choice]
    read: int | None = Field(default=None, validation_alias=_usage("prompt_tokens", "input_tokens"))
    written: int | None = Field(default=None, validation_alias=_usage("completion_tokens", "output_tokens"))
    total: int | None = Field(default=None, validation_alias=_usage("total_tokens"))
    reasoned: int | None = Field(
        default=None, validation_alias=AliasPath("usage", "completion_tokens_details", "reasoning_tokens")
    )

    @property
    def first(self) -> _Choice:
        """The one choice that was asked for; of some servers a filter leaves none."""
        return self.choices[0] if self.choices else _Choice(message=_Message())

    @property
    def text(self) -> str:
        """What it says, without its thinking."""
        return without_thinking(self._content).strip()

    @property
    def thought(self) -> bool:
        """Whether it shows that the model thought first."""
        message = self.first.message
        return bool(
            message.reasoning
            or message.reasoning_content
            or self.reasoned
            or OPENED in self._content
            or CLOSED in self._content
            or any(part.get("type") == "thinking" for part in self._parts)
        )

    @property
    def cut_off(self) -> bool:
        """Whether it ended because it had no more tokens."""
        return self.first.finish in ("length", "max_tokens")

    @property
    def alternatives(self) -> tuple[tuple[str, float], ...]:
        """The first token and what might have stood there, (text, log-prob in nats) each, best first."""
        tokens = self.first.logprobs
        found = (tokens[0].top_logprobs if tokens else None) or []
        return tuple((item.token, item.logprob) for item in found)

    @property
    def tokens(self) -> int:
        """Tokens generated; some servers count those of thinking in the total alone."""
        return max(self.written or 0, (self.total or 0) - (self.read or 0) if self.read else 0)

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens read; None where the server doesn't say, or not how many it generated: there is no cost."""
        return None if self.written is None and self.total is None else self.read

    def problem(self, *, thinks: bool) -> str | None:
        """Say why the text isn't the whole of an answer; ``thinks``: whether the model is known to think."""
        finish = self.first.finish or ""
        if self.first.message.refusal or finish == "refusal":
            return "refused"
        if finish.startswith("content_filter"):
            return "stopped by a content filter"
        # Where a prompt opens the thoughts, the reply has no sign of them until they are closed.
        unended = self.cut_off and (thinks or self.thought) and not (self.thought and self.text)
        if unended or OPENED in self._content.rpartition(CLOSED)[2]:
            return "thought without end"
        if self.cut_off:
            return CUT_OFF
        return None if self.text else "empty"

    @property
    def _parts(self) -> list[dict[str, Any]]:
        content = self.first.message.content or ""
        parts = [content] if isinstance(content, str) else content
        return [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]

    @property
    def _content(self) -> str:
        return "".join(str(part.get("text") or "") for part in self._parts if part.get("type") == "text")
