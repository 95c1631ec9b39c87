"""Start the promotion of a version: on this machine, or as an execution on AWS."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = ["npm", "start", "--", "--input", "-"]


class StartError(Exception):
    """The promotion could not be started; the message says what is missing."""


def execution_input(model_name: str, version: str) -> dict[str, str]:
    """The execution input that compares a version with the champion and promotes it if it is better."""
    return {"model_name": model_name, "challenger_version": version, "requested_by": "examples/retrain"}


def next_command(request: dict[str, str], tracking_uri: str, state_machine_arn: str | None) -> str:
    """The shell command that does what `--promote` does; run it in the repository's folder."""
    document = shlex.quote(json.dumps(request))
    if state_machine_arn is not None:
        arn = shlex.quote(state_machine_arn)
        return f"aws stepfunctions start-execution --state-machine-arn {arn} --input {document}"
    uri = shlex.quote(tracking_uri)
    return f"printf %s {document} | MLFLOW_TRACKING_URI={uri} {shlex.join(COMMAND)}"


def require(state_machine_arn: str | None) -> None:
    """Raise StartError if a requirement of the start is missing; called before the training."""
    if state_machine_arn is not None:
        if importlib.util.find_spec("boto3") is None:
            raise StartError("--state-machine-arn needs boto3: pip install boto3")
    elif shutil.which(COMMAND[0]) is None:
        raise StartError("npm was not found. Install Node.js, then run `npm ci` in the repository.")
    elif not (REPOSITORY / "node_modules").is_dir():
        raise StartError(f"The packages are not installed. Run `npm ci` in {REPOSITORY} first.")


def run_locally(request: dict[str, str], tracking_uri: str) -> int:
    """Run the promotion with the command of this repository and return its exit status."""
    npm = shutil.which(COMMAND[0]) or COMMAND[0]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri}
    done = subprocess.run(
        [npm, *COMMAND[1:]],
        cwd=REPOSITORY,
        env=environment,
        input=json.dumps(request),
        text=True,
        check=False,
    )
    # A process ended by signal N has the status -N here and 128 + N in a shell.
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def start_on_aws(request: dict[str, str], state_machine_arn: str) -> str:
    """Start an execution of the deployed state machine and return its ARN without waiting.

    Raises StartError if AWS rejects the start.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("stepfunctions", region_name=state_machine_arn.split(":")[3])
        answer = client.start_execution(stateMachineArn=state_machine_arn, input=json.dumps(request))
    except (BotoCoreError, ClientError) as error:
        raise StartError(f"The execution could not be started: {error}") from error
    return answer["executionArn"]
