import { registryScenarios } from '../workflow/scenarios.ts';
import { hostOnMoto } from './on-moto.ts';

/** The scenarios of the registry, on the definition as it is deployed and an interpreter of somebody else's. */
registryScenarios(hostOnMoto());
