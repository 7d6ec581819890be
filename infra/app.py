"""The CDK app: `cdk synth -c stage=dev -c targets=my-bucket`, or `make deploy`, which calls it."""

import sys
from dataclasses import fields

import aws_cdk as cdk

from infra.config import Config, InvalidConfig, read_config
from infra.nag import add_checks
from infra.stack import AssetSyncStack


def build(app: cdk.App) -> AssetSyncStack:
    """Put the stack that the app's context describes into it, with the checks of its rules.

    Raises:
        InvalidConfig: the context does not fit.
    """
    given = {field.name: app.node.try_get_context(field.name) for field in fields(Config)}
    config = read_config(given)
    synthesizer = cdk.DefaultStackSynthesizer(qualifier=config.qualifier or None)
    stack = AssetSyncStack(app, config, synthesizer=synthesizer)
    add_checks(app, stack, config)
    return stack


def main() -> None:
    """Synthesize, or report invalid options."""
    app = cdk.App()
    try:
        build(app)
    except InvalidConfig as error:
        sys.exit(f"The configuration does not fit; nothing was made of it.\n{error}")
    app.synth()


if __name__ == "__main__":
    main()
