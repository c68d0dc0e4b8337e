"""WebAsk: its user names the keys; custom headers come again in the body, where they are dropped."""

from collections.abc import Mapping

from service.intake.adapters.generic import ANSWER, unwrap
from service.intake.mapping import Adapter, Document, Rule


def _without_headers(document: Document, headers: Mapping[str, str]) -> list[Document]:
    return unwrap({name: value for name, value in document.items() if name != "headers"}, headers)


ADAPTER = Adapter(
    title="WebAsk",
    prepare=_without_headers,
    rules=(Rule(then=ANSWER),),
    documented="Methods, own headers, renaming of keys, 2xx expected (vendor's pages)",
    unconfirmed="the default body; where the data goes with method GET (the query is read)",
)
