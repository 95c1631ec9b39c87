#!/usr/bin/env python3
"""Train and register a challenger with its evidence in MLflow; start its promotion or print the command."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import promotion

ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_.:-]+")
REGISTRY_MODES = ("stages", "aliases", "both")
EPILOG = """\
environment:
  MLFLOW_TRACKING_URI       the MLflow server, unless --tracking-uri is given
  MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN
                            credentials, if the server requires them
  MLFLOW_REGISTRY_MODE      stages (default), aliases or both: how champion and challenger are marked

exit status:
  0 success (with --promote: the status of the promotion), 1 failure, 2 invalid arguments
"""


def name(text: str) -> str:
    """A name that is not blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def server_uri(text: str) -> str:
    """The address of an MLflow server; never repeats the text, which may hold a password."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises ValueError for an invalid port
    except ValueError:
        raise argparse.ArgumentTypeError("is not a valid URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError("must be the URL of a server, such as http://127.0.0.1:5000")
    if parts.username is not None or parts.password is not None:
        raise argparse.ArgumentTypeError(
            "must not contain credentials; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return text.rstrip("/")


def state_machine(text: str) -> str:
    """The ARN of a state machine."""
    if not ARN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            "must be the ARN of a state machine, arn:aws:states:REGION:ACCOUNT:stateMachine:NAME"
        )
    return text


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; exits with status 2 and a message when it is invalid."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tracking-uri", type=server_uri, metavar="URL", help="MLflow server (default: MLFLOW_TRACKING_URI)"
    )
    parser.add_argument(
        "--model-name",
        type=name,
        default="breast-cancer-classifier",
        help="registered model (default: %(default)s)",
    )
    parser.add_argument(
        "--experiment",
        type=name,
        default="breast-cancer",
        help="experiment of the runs (default: %(default)s)",
    )
    parser.add_argument(
        "--policy", type=name, help="promotion policy to set on a newly registered model (default: none)"
    )
    parser.add_argument(
        "--challenger",
        choices=("better", "similar"),
        default="better",
        help="better: a model on all the measurements; similar: the champion's recipe on slightly different "
        "rows, as good as the champion (default: %(default)s)",
    )
    parser.add_argument(
        "--state-machine-arn",
        type=state_machine,
        metavar="ARN",
        help="promote on AWS instead of on this machine",
    )
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument(
        "--promote",
        action="store_true",
        help="start the promotion instead of printing the command",
    )
    ending.add_argument("--json", action="store_true", help="print one JSON document instead of that command")
    options = parser.parse_args(arguments)
    if options.tracking_uri is None:
        options.tracking_uri = tracking_uri_of_environment(parser)
    options.registry_mode = os.environ.get("MLFLOW_REGISTRY_MODE") or "stages"
    if options.registry_mode not in REGISTRY_MODES:
        parser.error(f"MLFLOW_REGISTRY_MODE must be one of {', '.join(REGISTRY_MODES)}")
    return options


def tracking_uri_of_environment(parser: argparse.ArgumentParser) -> str:
    """The server in MLFLOW_TRACKING_URI."""
    text = os.environ.get("MLFLOW_TRACKING_URI")
    if not text:
        parser.error("no MLflow server: set MLFLOW_TRACKING_URI or give --tracking-uri")
    try:
        return server_uri(text)
    except argparse.ArgumentTypeError as error:
        parser.error(f"MLFLOW_TRACKING_URI {error}")


def say(text: str) -> None:
    """Print progress to standard error; standard output is reserved for the result."""
    print(text, file=sys.stderr, flush=True)


def set_defaults() -> None:
    """Set defaults of MLflow's client before it is imported; values of the user are kept.

    By default it retries for four minutes before it reports that a server is down, draws progress bars, and,
    from version 3 on, sends telemetry.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def finish(options: argparse.Namespace, champion: str, challenger: str) -> int:
    """Start the promotion, or print the command or the JSON document; returns the exit status."""
    request = promotion.execution_input(options.model_name, challenger)
    if options.json:
        document = {"champion_version": champion, "challenger_version": challenger, "input": request}
        print(json.dumps(document))
    elif not options.promote:
        say("\nTo promote the challenger if it is better, run in the repository's folder:")
        print(promotion.next_command(request, options.tracking_uri, options.state_machine_arn))
    elif options.state_machine_arn is not None:
        print(promotion.start_on_aws(request, options.state_machine_arn))
    else:
        return promotion.run_locally(request, options.tracking_uri)
    return 0


def main(arguments: list[str]) -> int:
    """Run the example; returns the exit status."""
    options = parse_arguments(arguments)
    set_defaults()
    try:
        import retraining
    except ImportError as error:
        requirements = Path(__file__).with_name("requirements.txt")
        say(f"error: {error}. Install the packages: pip install -r {requirements}")
        return 1
    try:
        if options.promote:
            promotion.require(options.state_machine_arn)
        versions = retraining.retrain(options, say)
        return finish(options, versions.champion.number, versions.challenger.number)
    except (retraining.RetrainingError, promotion.StartError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
