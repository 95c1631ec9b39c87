import { approvalScenariosOn } from '../workflow/approval.ts';
import { hostOnMoto } from './on-moto.ts';

/** The scenarios in which people approve: these wait for a token, and are woken, time out or are stopped. */
approvalScenariosOn(hostOnMoto());
