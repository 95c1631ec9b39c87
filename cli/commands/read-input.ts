import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseJson } from '../../lambdas/domain/json.ts';
import { UsageError } from '../usage-error.ts';

/** Reads the execution input from a file, or from standard input for `-`. Throws `UsageError` when it is not JSON. */
export async function readInput(file: string): Promise<unknown> {
  const where = file === '-' ? 'standard input' : file;
  let content: string;
  try {
    content = file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `Cannot read the execution input: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  try {
    return parseJson(content);
  } catch (error) {
    throw new UsageError(
      `The execution input in ${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
