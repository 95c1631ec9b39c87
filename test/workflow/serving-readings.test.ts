import { startEmulatedHost } from '../support/emulated-host.ts';
import { servingScenariosOn } from './serving.ts';

/** The scenarios with a Workload, on every reading of the sources about the platform. */
servingScenariosOn(startEmulatedHost, { readings: true });
