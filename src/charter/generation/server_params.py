"""Which parameters a served model is described by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerParams:
    """Where params.yaml describes a served model: what its errors name, and what they say to run again.

    ``key_variable`` is the environment variable that has the server's key, None where none is sent.
    """

    engine: str = "teacher"
    model: str = "base_models.teacher"
    stage: str = "base-models"
    key_variable: str | None = "OPENAI_API_KEY"

    @property
    def base_url(self) -> str:
        """The parameter that has the server's address."""
        return f"{self.engine}.base_url"

    @property
    def served(self) -> str:
        """The parameter that has the model's name on the server."""
        return f"{self.model}.served"

    @property
    def thinking_tokens(self) -> str:
        """The parameter of how long the model may think."""
        return f"{self.engine}.thinking_tokens"
