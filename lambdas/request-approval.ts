import * as z from 'zod';
import { policyFiles } from './adapters/policy-files.ts';
import { AwaitDecisionInput, RequestApprovalInput } from './domain/approval/payloads.ts';
import { approvalFloors, waitingServices } from './runtime/approval-services.ts';
import { toHandler } from './runtime/handler.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { reportServices } from './runtime/report-services.ts';
import { placeAsked } from './use-cases/parts/place-of.ts';
import { tellApproval } from './use-cases/parts/tell-approval.ts';
import { awaitDecision, type RequestServices, requestApproval } from './use-cases/request-approval.ts';

/** Asks people to approve a promotion, reminds them once, and says where it stands; with a token, notes how to wake the execution. */
export const handler = toHandler('request-approval', {
  input: z.union([AwaitDecisionInput, RequestApprovalInput]),
  services: (env, clock, network): RequestServices => {
    const notify = {
      ...notifyServices(env, clock, network),
      ...reportServices(env, clock, network),
      clock,
    };
    // At once: a missing variable is told before anybody is asked.
    const { registry } = registryServices(env, clock, network);
    // Counted from this file: a bundle has its policies beside it, as the sources have.
    const policies = policyFiles(new URL('../policies/', import.meta.url));
    return {
      store: notify.store,
      clock,
      ...approvalFloors(env),
      ...waitingServices(env, network),
      approvalOf: async (policy) => (await policies.load(policy)).approval ?? null,
      place: (input) => placeAsked(input, { registry, store: notify.store }),
      tell: (occasion, request, comparison) => tellApproval(occasion, request, comparison, notify),
    };
  },
  run: async (input, services) =>
    'task_token' in input ? awaitDecision(input, services) : requestApproval(input, services),
});
