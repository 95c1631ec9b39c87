import { visible } from '../lambdas/domain/visible-text.ts';

const MAX_LINE_LENGTH = 4_000;

/**
 * A message for the terminal, line by line: what it quotes of arguments, files and answers must neither move the cursor nor
 * hide anything.
 */
export const printable = (message: string): string =>
  message
    .split('\n')
    .map((line) => visible(line, MAX_LINE_LENGTH))
    .join('\n');
