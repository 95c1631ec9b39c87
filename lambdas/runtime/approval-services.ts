import { clientSettings } from '../adapters/aws/client-settings.ts';
import type { CallHistory } from '../adapters/aws/cloudtrail.ts';
import type { WaitingExecutions } from '../adapters/aws/step-functions.ts';
import type { Network } from '../adapters/network.ts';
import type { ApprovalFloor } from '../domain/approval/policy-approval.ts';
import { ApprovalEnvironment, configuration } from './environment.ts';

/** What a function that opens changes needs to know of approvals. */
export interface FloorServices {
  /** What the deployment asks for, whatever a policy says; absent: nothing. */
  floors?: readonly ApprovalFloor[];
}

/** The approvals that the deployment asks for. Throws `InvalidConfiguration`. */
export const approvalFloors = (env: NodeJS.ProcessEnv): { floors: readonly ApprovalFloor[] } => ({
  floors: configuration(ApprovalEnvironment, env).APPROVAL_FLOORS,
});

/** Executions that wait for people. The client is loaded on first use: most promotions wait for nobody. */
export function waitingServices(env: NodeJS.ProcessEnv, network: Network = {}): WaitingExecutions {
  let made: Promise<WaitingExecutions> | undefined;
  const waiting = () => {
    made ??= import('../adapters/aws/step-functions.ts').then(({ waitingExecutions, waitingOn }) =>
      network.stepFunctions === undefined
        ? waitingExecutions(clientSettings(env, 'SFN'))
        : waitingOn(network.stepFunctions),
    );
    return made;
  };
  return {
    wake: async (token) => (await waiting()).wake(token),
    isRunning: async (execution) => (await waiting()).isRunning(execution),
  };
}

/** Who made calls. The client is loaded on first use. */
export function callHistoryServices(env: NodeJS.ProcessEnv, network: Network = {}): CallHistory {
  let made: Promise<CallHistory> | undefined;
  const history = () => {
    made ??= import('../adapters/aws/cloudtrail.ts').then(({ callHistory, cloudTrail }) =>
      network.cloudTrail === undefined
        ? cloudTrail(clientSettings(env, 'CLOUDTRAIL'))
        : callHistory(network.cloudTrail),
    );
    return made;
  };
  return { starterOf: async (execution, startedAt) => (await history()).starterOf(execution, startedAt) };
}
