"""The compare page: its files, and the three things that it asks of the server."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, field_validator

from charter.comparing.comparisons import BusyError, Comparisons, NoSuchComparisonError
from charter.pages.app import PersonName, Text, close_app, page_app
from charter.project.errors import CharterError
from charter.serving.answering import TooLongError
from charter.serving.prompts import PromptError
from charter.serving.running import Address

_PAGE = Path(__file__).parent / "page"
_FIRST = ("seed+rag", "sft", "dpo")
"""What is ticked when the page is opened: what a user has without alignment, and both aligned models."""


class Asked(BaseModel):
    """A question to systems, by their labels: as many as there are keys to vote with."""

    question: Text
    systems: list[str] = Field(min_length=2, max_length=9)
    blind: bool

    @field_validator("systems")
    @classmethod
    def _differ(cls, labels: list[str]) -> list[str]:
        if len(set(labels)) < len(labels):
            raise ValueError("a system comes twice")
        return labels


class Voted(BaseModel):
    """A vote for the answer at a place, from 0, or for none."""

    comparison: str
    voter: PersonName
    best: int | None = Field(ge=0)


class ComparePage:
    """One corpus's compare page; ``keys`` are those that open it, none for an open one."""

    def __init__(self, comparisons: Comparisons, title: str, keys: Collection[str], address: Address):
        """``title`` is the documents'."""
        self._comparisons = comparisons
        self._candidates = comparisons.systems.candidates
        self._title = title
        self._keys = keys
        self._address = address

    def app(self) -> FastAPI:
        """Return the application."""
        app = page_app(self._lifespan)
        app.add_api_route("/api/systems", self.systems)
        app.add_api_route("/api/ask", self.ask, methods=["POST"], response_model=None)
        app.add_api_route("/api/vote", self.vote, methods=["POST"])
        return close_app(app, _PAGE, self._keys, self._address)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        yield
        self._comparisons.systems.close()

    async def systems(self) -> dict[str, Any]:
        """List what can be compared."""
        systems = [
            {"label": label, "name": item.name, "ticked": label in _FIRST}
            for label, item in self._candidates.items()
        ]
        return {"title": self._title, "systems": systems}

    async def ask(self, asked: Asked) -> StreamingResponse:
        """Answer a question: a line of JSON whenever there is news."""
        unknown = [label for label in asked.systems if label not in self._candidates]
        if unknown:
            raise HTTPException(422, f"no system {unknown[0]!r}; there are {', '.join(self._candidates)}")
        return StreamingResponse(self._lines(asked), media_type="application/x-ndjson")

    async def vote(self, voted: Voted) -> dict[str, Any]:
        """Take a vote, and tell which system was which."""
        try:
            names = await self._comparisons.vote(voted.comparison, voted.voter, voted.best)
        except NoSuchComparisonError as error:
            raise HTTPException(404, "this can't be voted on, or not any more: ask again") from error
        except CharterError as error:
            raise HTTPException(507, str(error)) from error
        return {"names": names}

    async def _lines(self, asked: Asked) -> AsyncGenerator[str]:
        candidates = [self._candidates[label] for label in asked.systems]
        try:
            async with aclosing(self._comparisons.ask(asked.question, candidates, asked.blind)) as news:
                async for event in news:
                    yield f"{json.dumps(event)}\n"
        except BusyError:
            yield _error("too many questions wait; try again in a moment")
        except (TooLongError, PromptError, CharterError) as error:
            yield _error(str(error))
        except Exception:
            # The status is sent already. The server's log has more.
            yield _error("a fault of the server; its log has more")
            raise


def _error(message: str) -> str:
    return json.dumps({"error": message}) + "\n"
