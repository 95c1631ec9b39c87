import { registryScenarios } from '../workflow/scenarios.ts';
import { deployedHost } from './deployed-host.ts';
import { printedAfter } from './printed.ts';

/** The scenarios once more, on the functions and the state machine as the cloud assembly has them. */
const deployed = deployedHost();
registryScenarios(() => deployed.start());
printedAfter(deployed);
