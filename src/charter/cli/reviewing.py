"""People review the rows of the synthetic data."""

from typing import Annotated

import typer

from charter.cli.context import BrowserOption, CorpusArgument, HostOption, PortOption, open_corpus


def review(
    corpus: CorpusArgument,
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
    """
    from charter.evaluation.statistics import Resampling
    from charter.pages.app import run_page
    from charter.report.sentences import review_sentence
    from charter.reviewing.app import ReviewPage
    from charter.reviewing.queue import ReviewQueue, describe_gone
    from charter.serving.running import Address, listening, read_keys
    from charter.synthesis.row_decisions import read_row_decisions

    params, paths = open_corpus(corpus)
    queue = ReviewQueue(paths, Resampling(params.evaluate.bootstrap_samples, params.seed))
    if agreement:
        figures, (_, torn) = queue.figures(), read_row_decisions(paths)
        typer.echo(review_sentence(figures))
        for line in describe_gone(figures):
            typer.echo(line)
        if torn:
            typer.echo(f"{torn} lines of {paths.row_decisions} are torn and left out")
        return
    address = Address(host, port)
    page = ReviewPage(queue, params.corpora[corpus].title, named, read_keys(address), address)
    with listening(address) as places:
        typer.echo(f"Review of {corpus}: http://{host}:{port} (Ctrl-C ends it)")
        run_page(page.app(), address, places, browser=browser)
