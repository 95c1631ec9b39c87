import { startHost } from '../../local/host.ts';
import { servingScenariosOn } from './serving.ts';

/** On the sources; `test/bundles` runs the same on what is deployed. */
servingScenariosOn(() => startHost());
