"""What to do once a stage is deployed: lines that can be pasted."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.config import Config
from infra.preflight import Identity


def next_steps(config: Config, identity: Identity, outputs: Mapping[str, str]) -> str:
    """Return what to do next; each line that is indented can be pasted into a shell."""
    command = f"{_command()} {{}} --stage {config.stage}".format
    lines = [f"The API: {outputs['ApiUrl']}", ""]
    if config.target_roles:
        lines += [
            "Have these trusted by each role of target_roles (docs/iam.md):",
            f"  {outputs['EngineRoleArn']}",
            f"  {outputs['ProcessorRoleArn']}",
            "",
        ]
    lines += [
        "Register a bucket, and rehearse a sync that writes nothing:",
        f"  export {_variables(identity)}",
        *_token(config),
        f"  {command(_register(config))}",
        f"  {command('sync media --dry-run --wait')}",
        "",
        "Check the stage:",
        f"  {command('doctor')}",
        "",
        f"Follow a sync: the dashboard {config.stack_name}-{identity.region} in CloudWatch.",
        "Receive alarms: deploy with alarm_email=ADDRESS among the CHOICES, or subscribe to",
        f"  {outputs['AlarmTopicArn']}",
        "Then: docs/runbook.md says what each alarm means, docs/iam.md what each role may do.",
    ]
    return "\n" + "\n".join(lines)


def _command() -> str:
    """Return the command line that this environment holds, as it is called from here."""
    path = Path(sys.executable).parent / "asset-sync"
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _variables(identity: Identity) -> str:
    """Return where the stage is: what was given to this command alone is not in the shell."""
    profile = os.environ.get("AWS_PROFILE")
    named = [f"AWS_PROFILE={shlex.quote(profile)}"] if profile else []
    return " ".join([*named, f"AWS_REGION={identity.region}"])


def _token(config: Config) -> list[str]:
    if config.auth != "jwt":
        return []
    return [
        f"  # then paste a JWT of {config.jwt_issuer} for {','.join(config.jwt_audience)}:",
        "  read -rs ASSET_SYNC_TOKEN && export ASSET_SYNC_TOKEN",
    ]


def _register(config: Config) -> str:
    """Return how to register a bucket; of a role's bucket only the role is known."""
    if config.targets:
        return f"connectors add {config.targets[0]} --id media"
    return f"connectors add BUCKET --id media --role {shlex.quote(config.target_roles[0])}"
