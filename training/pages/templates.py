"""The templates of the pages."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_environment() -> Environment:
    """The templates beside this file; a name that a page does not know is an error."""
    return Environment(
        loader=PackageLoader("training", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
