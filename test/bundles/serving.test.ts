import { servingScenariosOn } from '../workflow/serving.ts';
import { deployedHost } from './deployed-host.ts';
import { printedAfter } from './printed.ts';

/** The scenarios once more, on the functions and the state machine as the cloud assembly has them. */
const deployed = deployedHost();
servingScenariosOn(() => deployed.start());
printedAfter(deployed);
