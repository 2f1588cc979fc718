"""A row while it is being written."""

from dataclasses import dataclass

from charter.project.records import Chunk, InstructExample, PreferencePair, content_id


@dataclass(frozen=True)
class Draft:
    """A question about a chunk, and what the steps of synthesis have added to it so far.

    ``style`` is the kind of question. ``answer`` is what the teacher answered, or the rule of the chunk that
    is the answer, and ``opposite`` is that rule turned round.
    """

    chunk: Chunk
    question: str = ""
    style: str = ""
    answer: str = ""
    opposite: str = ""

    def to_example(self) -> InstructExample:
        """Return the instruct row."""
        return InstructExample(
            id=content_id(self.chunk.id, self.question, self.answer),
            chunk_id=self.chunk.id,
            style=self.style,
            question=self.question,
            answer=self.answer,
        )

    def to_pair(self, chosen: str, rejected: str) -> PreferencePair:
        """Return the preference row with these responses."""
        return PreferencePair(
            id=content_id(self.chunk.id, self.question, chosen, rejected),
            chunk_id=self.chunk.id,
            prompt=self.question,
            chosen=chosen,
            rejected=rejected,
        )
