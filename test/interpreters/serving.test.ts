import { servingScenariosOn } from '../workflow/serving.ts';
import { hostOnMoto } from './on-moto.ts';

/** The scenarios with a Workload, likewise: these wait, loop and catch. */
servingScenariosOn(hostOnMoto());
