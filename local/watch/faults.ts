import type { Effect, Faults } from '../../emulators/faults.ts';
import type { Host } from '../host.ts';

type Listener = (fault: string) => void;

/** Of executions side by side the one that began first is told: a request does not say whose it is. */
const listeners = new WeakMap<Faults, Set<Listener>>();

/** Tells in words of every fault that a request to an emulator meets, until the answer is called. */
export function followFaults({ mlflow, workload, sns }: Host, listener: Listener): () => void {
  const stops = [
    ...(mlflow === null ? [] : [follow('MLflow', mlflow.faults, listener)]),
    ...(workload === null ? [] : [follow('Workload API', workload.faults, listener)]),
    follow('SNS', sns.faults, listener),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function follow(system: string, faults: Faults, listener: Listener): () => void {
  const told = listeners.get(faults) ?? listen(system, faults);
  told.add(listener);
  return () => void told.delete(listener);
}

function listen(system: string, faults: Faults): Set<Listener> {
  const told = new Set<Listener>();
  listeners.set(faults, told);
  const take = faults.take.bind(faults);
  faults.take = (method, path) => {
    const effect = take(method, path);
    const [first] = told;
    if (effect !== null) first?.(`${system}: ${path} ${words(effect)}`);
    return effect;
  };
  return told;
}

function words(effect: Effect): string {
  switch (effect.kind) {
    case 'answer':
      return `answered ${effect.status}`;
    case 'drop':
      return effect.when === 'after' ? 'carried out, answer lost' : 'not carried out, connection closed';
    case 'delay':
      return `carried out, answered ${effect.ms} ms late`;
    case 'hold':
      return 'held back for a while';
    case 'then':
      return 'carried out, then another client interferes';
  }
}
