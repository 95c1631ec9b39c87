import { toHandler } from './runtime/handler.ts';
import { BeginInput, begin } from './use-cases/begin-promotion.ts';

/** Parses the whole execution input: closed, every problem listed, every field answered (null where absent). */
export const handler = toHandler('begin-promotion', {
  input: BeginInput,
  services: () => null,
  run: async (event) => begin(event),
});
