import { runAgain } from './crashes.ts';

runAgain();
