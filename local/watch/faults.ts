import type { Effect, Faults } from '../../emulators/faults.ts';
import type { Host } from '../host.ts';

/** Calls `onFault` with a description of every injected fault; returns a function that stops it. */
export function followFaults({ mlflow, workload, sns }: Host, onFault: (fault: string) => void): () => void {
  const follow = (system: string, faults: Faults | undefined) =>
    faults?.onApplied((path, effect) => onFault(`${system}: ${path} ${describeEffect(effect)}`));
  const stops = [
    follow('MLflow', mlflow?.faults),
    follow('Workload API', workload?.faults),
    follow('SNS', sns.faults),
  ];
  return () => {
    for (const stop of stops) stop?.();
  };
}

function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'answer':
      return `${effect.when === 'after' ? 'executed, ' : ''}answered ${effect.status}`;
    case 'drop':
      return effect.when === 'after' ? 'executed, response lost' : 'not executed, connection closed';
    case 'delay':
      return `executed, answered after ${effect.ms} ms`;
    case 'hold':
      return 'delayed until the scenario continues';
    case 'then':
      return 'executed, then another client makes a change';
  }
}
