"""The rows that the comparison of versions rests on."""

from charter.project.records import Rag, Row, System


class ItemScore(Row):
    """What one item counts in one metric of a system, so that versions evaluated apart can be paired.

    There is no text: ``item`` is a hash of the item's content, ``cluster`` of what it depends on others by
    (its section or chunk), and ``suite`` of all items that were measured with it. ``row`` is what is summed
    over the items: the score itself, of BLEU the lengths and n-gram counts, of perplexity the log-probability
    and the number of tokens.
    """

    system: System
    rag: Rag
    metric: str
    item: str
    cluster: str
    suite: str
    row: tuple[float, ...]
