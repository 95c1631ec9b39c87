import { sweepOnly } from './crashes.ts';

sweepOnly();
