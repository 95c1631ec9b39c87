"""
A state machine on moto's interpreter of Amazon States Language, one JSON message a line on standard input and output.

Only what the interpreter does outside of itself is replaced: functions are called, waits are waited, tokens are given back and events are
noted by the other side, which is asked and answers. How states, paths, choices, retries and catches are evaluated is
moto's own.
"""

from __future__ import annotations

import datetime
import io
import itertools
import json
import logging
import os
import queue
import sys
import threading

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackOutcomeSuccess, CallbackOutcomeTimedOut
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

# Of each error that a state may catch it would print the whole machine.
logging.disable(logging.CRITICAL)

numbers = itertools.count(1)
answers: dict[int, queue.Queue] = {}
start_times: dict[str, str] = {}
writing = threading.Lock()
retrying = threading.local()


def tell(message: dict) -> None:
    with writing:
        print(json.dumps(message), flush=True)


def ask(message: dict) -> dict:
    """Waits for the other side; each execution has threads of its own."""
    number = next(numbers)
    answer: queue.Queue = queue.Queue()
    answers[number] = answer
    tell({**message, "ask": number})
    return answer.get()


class LambdaClient:
    """What moto needs of boto3's client."""

    def invoke(self, FunctionName: str, Payload: bytes) -> dict:  # noqa: N803 - boto3's own names
        reply = ask({"kind": "call", "function": FunctionName, "event": json.loads(Payload)})
        failed = reply.get("error") is not None
        body = reply["error"] if failed else reply.get("answer")
        return {
            "StatusCode": 200,
            "Payload": io.BytesIO(json.dumps(body).encode()),
            **({"FunctionError": "Unhandled"} if failed else {}),
        }


def execution_of(env) -> str:
    return env.states.context_object.context_object_data["Execution"]["Name"]


def wait(env, seconds: float) -> None:
    state = env.states.context_object.context_object_data["State"]["Name"]
    ask({"kind": "wait", "execution": execution_of(env), "state": state, "seconds": seconds})


class RetryTime:
    @staticmethod
    def sleep(seconds: float) -> None:
        wait(retrying.env, seconds)


def parked(self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint):
    """The other side knows the token, and when it is given back."""
    token = callback_endpoint.callback_id
    reply = ask({"kind": "park", "execution": execution_of(env), "token": token})
    if reply.get("woken"):
        return CallbackOutcomeSuccess(callback_id=token, output="{}")
    return CallbackOutcomeTimedOut(callback_id=token)


evaluate_retrier = retrier_decl.RetrierDecl._eval_body
build_environment = ExecutionWorker._get_evaluation_environment
publish_event = EventManager._publish_history_event
end_execution = BaseExecutionWorkerCommunication.terminated


def retrier(self, env) -> None:
    retrying.env = env
    evaluate_retrier(self, env)


def environment(self):
    """The local clock's time, which skips waits."""
    env = build_environment(self)
    execution = env.states.context_object.context_object_data["Execution"]
    execution["StartTime"] = start_times[execution["Name"]]
    env.event_manager.execution = execution["Name"]
    return env


def event(self, event_id, source_event_id, event_type, timestamp, event_details) -> None:
    publish_event(self, event_id, source_event_id, event_type, timestamp, event_details)
    ask({"kind": "event", "execution": self.execution, "type": event_type, "details": event_details})


def ended(self) -> None:
    end_execution(self)
    execution = self.execution
    tell(
        {
            "kind": "ended",
            "execution": execution.name,
            "status": execution.exec_status,
            "output": getattr(execution, "output", None),
            "error": execution.error,
            "cause": execution.cause,
        }
    )


def broken(problem: threading.ExceptHookArgs) -> None:
    """Not an error of an execution but of the interpreter: nobody would ever be answered."""
    print(f"{problem.exc_type.__name__}: {str(problem.exc_value)[:500]}", file=sys.stderr, flush=True)
    os._exit(1)


threading.excepthook = broken
lambda_eval_utils.boto_client_for = lambda **_: LambdaClient()
StateTaskServiceCallback._eval_wait_for_task_token = parked
WaitFunction._wait_interval = lambda _self, env, wait_seconds: wait(env, wait_seconds)
retrier_decl.time = RetryTime
retrier_decl.RetrierDecl._eval_body = retrier
ExecutionWorker._get_evaluation_environment = environment
EventManager._publish_history_event = event
BaseExecutionWorkerCommunication.terminated = ended


def main() -> None:
    backend = StepFunctionsParserBackend("us-east-1", "123456789012")
    executions = {}
    machine = None
    for line in sys.stdin:
        message = json.loads(line)
        try:
            match message["kind"]:
                case "define":
                    role = "arn:aws:iam::123456789012:role/promotion"
                    machine = backend.create_state_machine("promotion", message["definition"], role)
                    tell({"kind": "defined"})
                case "run":
                    name = message["execution"]
                    start_times[name] = message["startTime"]
                    text = json.dumps(message["input"])
                    executions[name] = backend.start_execution(machine.arn, name, text)
                case "abort":
                    now = datetime.datetime.now(datetime.timezone.utc)
                    executions[message["execution"]].stop(now, None, None)
                case "reply":
                    answers.pop(message["ask"]).put(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other side has to know
            tell({"kind": "refused", "execution": message.get("execution"), "problem": repr(error)})


main()
