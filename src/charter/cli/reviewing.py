"""People review the rows of the synthetic data, and the answers of systems."""

from typing import Annotated, Literal

import typer

from charter.cli.context import BrowserOption, CorpusArgument, HostOption, PortOption, open_corpus


def review(
    corpus: CorpusArgument,
    what: Annotated[
        Literal["rows", "answers"], typer.Option(help="The synthetic data, or what systems answered.")
    ] = "rows",
    named: Annotated[str, typer.Option(metavar="WHO", help="The name that decisions are kept under.")] = "",
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Print what the decisions come to, and open no page.")
    ] = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8002,
    browser: BrowserOption = True,
) -> None:
    """Open a page to accept, edit or reject the rows of the synthetic data, each beside its passage.

    Decisions are added to data/decisions, and the next synthesize honours them: rejected rows leave, edited
    ones have the new words. Several people may read the same rows; CHARTER_SERVE_KEYS has the keys that open
    the page, separated by commas.

    With --what answers people say which answers are right: those to held-out questions, and those of the last
    `charter exam dev`. They aren't told whose an answer is. The report says what they found, and how far the
    exam's marks and the judges agree with them.
    """
    from charter.evaluation.statistics import Resampling
    from charter.pages.app import run_page
    from charter.reviewing.answers import AnswerQueue
    from charter.reviewing.app import ReviewPage
    from charter.reviewing.rows import RowQueue
    from charter.serving.running import Address, listening, read_keys

    params, paths = open_corpus(corpus)
    resampling = Resampling(params.evaluate.bootstrap_samples, params.seed)
    queue: RowQueue | AnswerQueue
    queue = RowQueue(paths, resampling) if what == "rows" else AnswerQueue(paths, resampling)
    if agreement:
        typer.echo("\n".join(queue.summary()))
        return
    address = Address(host, port)
    page = ReviewPage(queue, params.corpora[corpus].title, named, read_keys(address), address)
    with listening(address) as places:
        typer.echo(f"Review of {corpus}, {what}: http://{host}:{port} (Ctrl-C ends it)")
        run_page(page.app(), address, places, browser=browser)
