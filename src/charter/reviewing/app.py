"""The review page: its files, and what it asks of the server."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, StringConstraints

from charter.pages.app import PersonName, Text, close_app, page_app
from charter.project.errors import CharterError
from charter.project.review_records import AnswerDecision, RowDecision
from charter.reviewing.queue import DecisionError, NoSuchItemError, ReviewQueue
from charter.serving.running import Address

_PAGE = Path(__file__).parent / "page"

_Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


class Decided(BaseModel):
    """A decision of a reviewer; ``texts`` are those of a row that is edited, by their names."""

    item: str
    reviewer: PersonName
    decision: str
    texts: dict[str, Text] | None = None
    reason: _Reason = ""


class ReviewPage:
    """One corpus's review page; ``keys`` are those that open it, none for an open one."""

    def __init__(
        self,
        queue: ReviewQueue[RowDecision] | ReviewQueue[AnswerDecision],
        title: str,
        named: str,
        keys: Collection[str],
        address: Address,
    ):
        """``title`` is the documents', ``named`` the reviewer whose name stands there at first."""
        self._queue = queue
        self._about = {"what": queue.what, "title": title, "named": named}
        self._keys = keys
        self._address = address

    def app(self) -> FastAPI:
        """Return the application."""
        app = page_app()
        app.add_api_route("/api/about", self.about)
        app.add_api_route("/api/items", self.items)
        app.add_api_route("/api/items/{item}", self.item)
        app.add_api_route("/api/decisions", self.decide, methods=["POST"])
        app.add_api_route("/api/agreement", self.agreement)
        return close_app(app, _PAGE, self._keys, self._address)

    # These read and write files, so they are no coroutines: FastAPI runs them in threads.

    def about(self) -> dict[str, str]:
        """Say what is reviewed."""
        return self._about

    def items(self, reviewer: PersonName) -> list[dict[str, Any]]:
        """List the rows or answers."""
        return self._queue.listing(reviewer)

    def item(self, item: str, reviewer: PersonName) -> dict[str, Any]:
        """Show one of them."""
        try:
            return self._queue.show(item, reviewer)
        except NoSuchItemError as error:
            raise HTTPException(404, "there is no such item; load the page anew") from error

    def decide(self, decided: Decided) -> dict[str, Any]:
        """Take a decision, and show the item with what others decided."""
        try:
            self._queue.decide(
                decided.item, decided.reviewer, decided.decision, decided.texts, decided.reason
            )
        except DecisionError as error:
            raise HTTPException(422, str(error)) from error
        except NoSuchItemError as error:
            raise HTTPException(404, "there is no such item; load the page anew") from error
        except CharterError as error:
            raise HTTPException(507, str(error)) from error
        return self._queue.show(decided.item, decided.reviewer)

    def agreement(self) -> dict[str, Any]:
        """Say what the decisions of all reviewers come to."""
        return self._queue.so_far()
