"""Yandex Forms: the body is what the form's author wrote, or JSON-RPC with it as `params`."""

from service.intake.adapters.generic import ANSWER, unwrap
from service.intake.mapping import Adapter, Rule

ADAPTER = Adapter(
    title="Яндекс Формы",
    delivery_ids=("x-delivery-id",),
    prepare=unwrap,
    rules=(Rule(then=ANSWER),),
    documented="Methods, retries, codes, x-delivery-id, IPv6 only (vendor's pages)",
    unconfirmed="the envelope of JSON-RPC; headings of exports",
)
