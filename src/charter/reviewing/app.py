"""The review page: its files, and what it asks of the server."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, StringConstraints

from charter.pages.app import PersonName, Text, close_app, page_app
from charter.project.errors import CharterError
from charter.report.sentences import review_sentence
from charter.reviewing.queue import Choice, DecisionError, NoSuchRowError, ReviewQueue, describe_gone
from charter.serving.running import Address

_PAGE = Path(__file__).parent / "page"

_Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


class Decided(BaseModel):
    """A decision of a reviewer on a row; ``texts`` are those of a row that is edited, by their names."""

    row: str
    reviewer: PersonName
    decision: Choice
    texts: dict[str, Text] | None = None
    reason: _Reason = ""


class ReviewPage:
    """One corpus's review page; ``keys`` are those that open it, none for an open one."""

    def __init__(self, queue: ReviewQueue, title: str, named: str, keys: Collection[str], address: Address):
        """``title`` is the documents', ``named`` the reviewer whose name stands there at first."""
        self._queue = queue
        self._about = {"title": title, "named": named}
        self._keys = keys
        self._address = address

    def app(self) -> FastAPI:
        """Return the application."""
        app = page_app()
        app.add_api_route("/api/about", self.about)
        app.add_api_route("/api/rows", self.rows)
        app.add_api_route("/api/rows/{row}", self.row)
        app.add_api_route("/api/decisions", self.decide, methods=["POST"])
        app.add_api_route("/api/agreement", self.agreement)
        return close_app(app, _PAGE, self._keys, self._address)

    # These read and write files, so they are no coroutines: FastAPI runs them in threads.

    def about(self) -> dict[str, str]:
        """Say what is reviewed."""
        return self._about

    def rows(self, reviewer: PersonName) -> list[dict[str, Any]]:
        """List the rows."""
        return self._queue.listing(reviewer)

    def row(self, row: str, reviewer: PersonName) -> dict[str, Any]:
        """Show one row."""
        try:
            return self._queue.show(row, reviewer)
        except NoSuchRowError as error:
            raise HTTPException(404, "there is no such row; load the page anew") from error

    def decide(self, decided: Decided) -> dict[str, Any]:
        """Take a decision, and show the row with what others decided."""
        try:
            self._queue.decide(decided.row, decided.reviewer, decided.decision, decided.texts, decided.reason)
        except DecisionError as error:
            raise HTTPException(422, str(error)) from error
        except NoSuchRowError as error:
            raise HTTPException(404, "there is no such row; load the page anew") from error
        except CharterError as error:
            raise HTTPException(507, str(error)) from error
        return self._queue.show(decided.row, decided.reviewer)

    def agreement(self) -> dict[str, Any]:
        """Say what the decisions of all reviewers come to."""
        figures = self._queue.figures()
        return {"sentence": review_sentence(figures), "gone": describe_gone(figures)}
