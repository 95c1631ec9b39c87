import { bundleFunctions } from '../../build/bundle.ts';

/** Before the tests of the stack: its functions are what `npm run build:functions` makes of today's sources. */
export async function setup(): Promise<void> {
  await bundleFunctions();
}
