"""Microsoft Forms: a Power Automate flow posts what its author composed, by the recipe in data/examples."""

from service.intake.adapters.generic import ANSWER, unwrap
from service.intake.mapping import Adapter, Ignore, Rule

ADAPTER = Adapter(
    title="Microsoft Forms (Power Automate)",
    delivery_ids=("x-ms-client-tracking-id",),
    prepare=unwrap,
    rules=(
        Rule(
            when="resourceData || value[0].resourceData",
            then=Ignore("ids only; add the action «Get response details» to the flow"),
        ),
        Rule(then=ANSWER),
    ),
    documented="The trigger and the action «Get response details»; the body is our recipe's",
    unconfirmed="x-ms-client-tracking-id as the id of a run; headings of Russian exports",
)
