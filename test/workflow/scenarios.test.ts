import { startEmulatedHost } from '../support/emulated-host.ts';
import { registryScenarios } from './scenarios.ts';

/** On the sources; `test/bundles` runs the same on what is deployed. */
registryScenarios(startEmulatedHost);
