import { afterAll, expect } from 'vitest';
import type { Host } from '../../local/host.ts';
import { deployedHost } from '../bundles/deployed-host.ts';
import { type MotoMachine, motoMachine } from './moto-machine.ts';

/** A host on the functions and the definition of the cloud assembly, whose state machine moto interprets. */
export function hostOnMoto(): () => Promise<Host> {
  const python = process.env['MOTO_PYTHON'];
  if (python === undefined)
    throw new Error('MOTO_PYTHON is not set: run these tests with "node test/interpreters/run.ts"');
  const deployed = deployedHost();
  let machine: MotoMachine | undefined;
  // Else it was another one that ran the scenarios.
  afterAll(() => expect(machine?.entered).toContain('BeginPromotion'));
  return async () => {
    const host = await deployed.start();
    const { definition, functions } = deployed.deployed();
    const onMoto = await motoMachine(python, host.functions, definition);
    machine = onMoto;
    const { ENVIRONMENT } = functions.find(({ name }) => name === 'end-promotion')?.environment ?? {};
    return {
      ...host,
      // The alerts name the environment of the stack.
      env: { ...host.env, ENVIRONMENT },
      machine: onMoto,
      close: async () => {
        await onMoto.close();
        await host.close();
      },
    };
  };
}
