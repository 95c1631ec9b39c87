import type { InvocationDocument } from '../../local/invocation.ts';
import { printable } from '../printable.ts';
import { printLine } from './layout.ts';
import { printBothSystems, showAlert } from './timeline.ts';
import { bad, bold, good } from './timeline-lines.ts';

/** Prints what one call of a function answered, sent and changed. */
export function showInvocation({ registry, workload, ...called }: InvocationDocument): void {
  const { function: name, answer, error } = called;
  if (error === null) {
    printLine(`${bold(name)}  ${good(called.status)}`);
    for (const line of printable(JSON.stringify(answer, null, 2) ?? '').split('\n')) printLine(line, 4);
  } else {
    printLine(`${bold(name)}  ${bad(called.status)}  ${printable(`${error.name}: ${error.message}`)}`, 2);
  }
  for (const alert of called.alerts) showAlert(alert, null);
  if (registry.before === null && workload.before === null) return;
  printLine('');
  printBothSystems('before ', { registry: registry.before, workload: workload.before });
  printBothSystems('after  ', { registry: registry.after, workload: workload.after });
}
