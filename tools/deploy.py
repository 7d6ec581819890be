"""`make deploy`, `make destroy`, `make synth`: one command each, nothing installed beforehand.

Checks the choices, then what AWS knows (infra.preflight), and stops before anything is made if one
of them does not fit. Then it builds the package, bootstraps the account and region if that was
never done, deploys, and says what to do next.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from infra.checks.deployed import read_deployed
from infra.config import Config, InvalidConfig, read_config
from infra.config_checks import OPTIONAL_INDEXES
from infra.node import npm_command, path_with_node
from infra.preflight import Identity, NoCredentials, identify, look

from tools.bootstrap import QUALIFIER, look_for_bootstrap
from tools.build_lambda import (
    LAMBDA,
    BuildFailed,
    Package,
    build,
    package_with,
)
from tools.next_steps import next_steps
from tools.teardown import Progress, Stopped, clear_failed_creation, remove

ROOT: Final = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command, or report why it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy")
    parser.add_argument("--stage", default="")
    parser.add_argument("--targets", default="")
    parser.add_argument("--choose", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("command", choices=("deploy", "destroy", "synth"))
    options = parser.parse_args(arguments)
    progress = Progress(_say)
    try:
        run(options.command, options.stage, options.targets, options.choose, progress)
    except (Stopped, BuildFailed) as stop:
        sys.exit(f"{_so_far(progress.done)}\n{stop}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(
            f"{_so_far(progress.done)}\n- {error}\nCheck the connection and the credentials, and"
            " run it again."
        )


def _so_far(done: Sequence[str]) -> str:
    if not done:
        return "Stopped; nothing was created or changed."
    return "\n".join(
        ["Stopped. Before that:", *(f"  {each}" for each in done), "It stopped because:"]
    )


def run(command: str, stage: str, targets: str, choices: Sequence[str], progress: Progress) -> None:
    """Run one command; `progress` gets its changes on AWS.

    Raises:
        Stopped: the choices, the account or the machine do not fit.
        BuildFailed: there is no package to deploy.
    """
    given = _given(stage, targets, choices)
    if command == "destroy":
        if given.get("data") == "keep":
            raise Stopped("- data=keep: what is to be kept is not to be destroyed")
        # The names of the buckets and the code no longer matter.
        given = {"targets": "none-named", **given, "code": "stub"}
    try:
        config = read_config(given)
    except InvalidConfig as error:
        raise Stopped("\n".join(f"- {fault}" for fault in error.faults)) from error
    if command == "synth":
        for package in _packages(config):
            if config.code == "bundle" and not package.folder.is_dir():
                build(LAMBDA, package=package)
        _cdk(config, "synth", "--quiet")
        _say(f"build/cdk.out/{config.stack_name}.template.json")
        return
    # boto3 reads only AWS_DEFAULT_REGION; the CDK and the AWS CLI read this one first.
    try:
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        identity = identify(session.client, session.region_name)
    except (NoCredentials, BotoCoreError) as error:
        raise Stopped(f"- {error}") from error
    _say(f"{config.stack_name} in account {identity.account}, {identity.region}")
    if command == "destroy":
        delete = partial(_cdk, config, "destroy", config.stack_name, "--force")
        remove(config.stack_name, session.client, delete, progress)
    else:
        _deploy(config, identity, session, progress)


def _packages(config: Config) -> list[Package]:
    of_engine = [package_with(parquet=True, traces=config.traces)] if config.parquet else []
    return [package_with(traces=config.traces), *of_engine]


def _given(stage: str, targets: str, choices: Sequence[str]) -> dict[str, str]:
    given = {"stage": stage} | ({"targets": targets} if targets else {})
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not equals:
            raise Stopped(f'- {choice!r} is no choice: CHOICES="name=value name=value"')
        given[name] = value
    return given


def _deploy(config: Config, identity: Identity, session: boto3.Session, progress: Progress) -> None:
    findings = look(config, identity, session.client)
    for finding in findings:
        if not finding.fatal:
            _say(f"Mind: {finding.text}")
    faults = [finding.text for finding in findings if finding.fatal]
    if faults:
        raise Stopped("\n".join(f"- {fault}" for fault in faults))
    bootstrapped = _is_bootstrapped(config, session)
    for package in _packages(config):
        _say("Building the Lambda package ...")
        size_bytes = build(LAMBDA, package=package)
        _say(f"build/{package.folder.name}: {size_bytes / 1e6:.1f} MB")
    if not bootstrapped:
        progress.done.append("the CDK is called to bootstrap this account and region")
        _bootstrap(config, identity)
    stack = read_deployed(config.stack_name, session.client)
    if stack is not None and stack.creation_failed:
        # CloudFormation updates no such stack.
        clear_failed_creation(stack, session.client, progress)
        progress.did(f"started the deletion of {config.stack_name}, whose creation failed")
        _cdk(config, "destroy", config.stack_name, "--force")
    outputs = ROOT / "build" / "outputs.json"
    progress.done.append(
        f"started the deployment of {config.stack_name}; CloudFormation rolls back one that fails."
        " Fix the cause, then run the same command again"
    )
    _cdk(
        config,
        "deploy",
        config.stack_name,
        "--outputs-file",
        str(outputs),
        "--require-approval",
        "broadening" if sys.stdin.isatty() else "never",
    )
    _say(next_steps(config, identity, json.loads(outputs.read_text())[config.stack_name]))


def _is_bootstrapped(config: Config, session: boto3.Session) -> bool:
    """Return whether the CDK can deploy here; True if unknown, because the CDK checks it too.

    Raises:
        Stopped: there is another bootstrap, and no option requests this one as well.
    """
    found = look_for_bootstrap(session.client("ssm"), config.qualifier or QUALIFIER)
    if found.denied:
        _say(f"Note: the check whether the CDK is bootstrapped was denied: {found.denied}")
    if found.others and not config.qualifier:
        raise Stopped(
            f"- the CDK is bootstrapped here with qualifier {' and '.join(found.others)}:"
            f" CHOICES=qualifier={found.others[0]}; to bootstrap it with its own as well:"
            f" CHOICES=qualifier={QUALIFIER}"
        )
    return found.ready is not False


def _bootstrap(config: Config, identity: Identity) -> None:
    _say("Bootstrapping the CDK in this account and region (once) ...")
    options: list[str] = []
    if config.qualifier not in ("", QUALIFIER):
        # Under the stack's usual name it would replace the bootstrap of others.
        toolkit = f"CDKToolkit-{config.qualifier.replace('_', '-')}"
        options = ["--qualifier", config.qualifier, "--toolkit-stack-name", toolkit]
    _cdk(config, "bootstrap", f"aws://{identity.account}/{identity.region}", *options)


def _cdk(config: Config, *arguments: str) -> None:
    """Run the CDK's command line, of the version of infra/package-lock.json."""
    environment = _environment()
    _install_cdk(environment)
    context: list[str] = []
    for name, value in _as_given(config).items():
        context += ["--context", f"{name}={value}"]
    command = [ROOT / "infra" / "node_modules" / ".bin" / "cdk", *arguments, *context]
    app = f"{shlex.quote(sys.executable)} -m infra.app"
    answer = subprocess.run(  # noqa: S603 - pinned by our lock
        [*command, "--app", app, "--no-notices"], cwd=ROOT, env=environment, check=False
    )
    if answer.returncode:
        raise Stopped(f"- `cdk {arguments[0]}` failed; it says above why")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command


def _as_given(config: Config) -> dict[str, str]:
    """Return the config as it is read again by infra.app."""
    shown: dict[str, Any] = asdict(config)
    given = {}
    for name, value in shown.items():
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        given[name] = text or ("none" if name in OPTIONAL_INDEXES else "")
    return given


def _environment() -> dict[str, str]:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return {
        **os.environ,
        # One region for all that is started, whichever of the two names it was given by.
        **({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}),
        "PATH": path_with_node(),
        "PYTHONPATH": str(ROOT / "src"),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
    }


def _install_cdk(environment: Mapping[str, str]) -> None:
    infra = ROOT / "infra"
    wanted = json.loads((infra / "package.json").read_text())["devDependencies"]["aws-cdk"]
    installed = infra / "node_modules" / "aws-cdk" / "package.json"
    if installed.is_file() and json.loads(installed.read_text())["version"] == wanted:
        return
    answer = subprocess.run(  # noqa: S603 - our own lock
        [*npm_command(), "ci", "--prefix", str(infra), "--silent"],
        cwd=infra,
        env=dict(environment),
        check=False,
    )
    if answer.returncode:
        raise Stopped("- npm cannot install the CDK's command line; it says above why")


if __name__ == "__main__":
    main()
