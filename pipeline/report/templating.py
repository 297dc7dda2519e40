"""The templates of all pages, and the filters that they share."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.report import format as formats


def template_environment() -> Environment:
    """Jinja's environment: everything is escaped, an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        # Labels and file names are a user's: everything is escaped, whatever a template is called.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in (
        "percent",
        "points",
        "interval",
        "grouped",
        "decibels",
        "size",
        "latency",
        "qualified_latency",
        "reported_parity",
        "family",
        "verdict",
        "budget",
    ):
        environment.filters[name] = getattr(formats, name)
    return environment
