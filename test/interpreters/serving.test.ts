import { servingScenariosOn } from '../workflow/serving.ts';
import { hostOnMoto } from './on-moto.ts';

/** The scenarios with a Workload, likewise: these wait, loop and catch. What the platform answers is no matter of an interpreter. */
servingScenariosOn(hostOnMoto(), { readings: false });
