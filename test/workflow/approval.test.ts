import { startEmulatedHost } from '../support/emulated-host.ts';
import { approvalScenariosOn } from './approval.ts';

/** On the sources; `test/interpreters` runs the same on what is deployed. */
approvalScenariosOn(startEmulatedHost);
