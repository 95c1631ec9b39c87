import { toHandler } from './runtime/handler.ts';
import { BeginInput, begin } from './use-cases/begin-promotion.ts';

/** Validates the execution input: lists every problem, answers every field (null where absent). */
export const handler = toHandler('begin-promotion', {
  input: BeginInput,
  services: () => null,
  run: async (event) => begin(event),
});
