import { startEmulatedHost } from '../support/emulated-host.ts';
import { servingScenariosOn } from './serving.ts';

/** On the sources; `test/bundles` runs the same on what is deployed. */
servingScenariosOn(startEmulatedHost);
