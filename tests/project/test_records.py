"""What rows say of themselves."""

import pytest

from rows import chunk_of


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("2.3 Outside work", "Outside work"),
        ("Article 5: No torture", "No torture"),
        ("Part II – Duties", "Duties"),
        ("A) Scope", "Scope"),
        ("§ 12 Fees", "Fees"),
        ("Civil liability", "Civil liability"),
        ("Rules of conduct", "Rules of conduct"),
    ],
)
def test_a_topic_is_a_heading_without_its_number(heading: str, topic: str) -> None:
    assert chunk_of("Text.", headings=(heading,)).topics == (topic,)


def test_a_heading_that_is_a_number_names_no_topic() -> None:
    assert chunk_of("Text.", headings=("Declaration", "Article 7", "Section B")).topics == ("Declaration",)
