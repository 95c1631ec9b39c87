import type { Effect, Faults } from '../../emulators/faults.ts';
import type { Host } from '../host.ts';

/** Describes every fault that a request to an emulator meets, until the answer is called. */
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
