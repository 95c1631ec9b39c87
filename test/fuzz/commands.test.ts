import fc from 'fast-check';
import { expect } from 'vitest';
import { promotion } from '../support/command.ts';
import { hostileJson, hostileText, mutated } from './support/hostile.ts';
import { input } from './support/samples.ts';
import { fuzz } from './support/targets.ts';

const OPTIONS = [
  ...['--scenario', '--input', '--model', '--version', '--arn', '--policy', '--workload', '--artifact'],
  ...['--requested-by', '--reason', '--follow', '--at', '--only', '--failures', '--mlflow-port'],
];
const FLAGS = [
  '--json',
  '--dry-run',
  '--rollback',
  '--emergency',
  '--adopt',
  '--again',
  '--detach',
  '--help',
];

/** A command line; one that would serve until Ctrl-C, play all stories or call AWS is left out by its arguments. */
const line = fc
  .record({
    command: fc.oneof(
      fc.constantFrom(
        'start',
        'start',
        'adopt',
        'status',
        'history',
        'history',
        'replay',
        'run',
        'simulate',
        'emulators',
      ),
      hostileText,
    ),
    options: fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom(...OPTIONS), fc.oneof(hostileText, fc.constant('-'))),
        fc.constantFrom(...FLAGS).map((flag) => [flag]),
        hostileText.map((text) => [text]),
      ),
      { maxLength: 4 },
    ),
  })
  .map(({ command, options }) => {
    const must: Record<string, string[]> = {
      run: ['--scenario', 'no such scenario\u001b[31m'],
      simulate: ['--stories', 'many\u001b[31m'],
      emulators: ['--workload-port', 'any\u001b[31m'],
    };
    return [command, ...(Object.hasOwn(must, command) ? (must[command] ?? []) : []), ...options.flat()];
  });

const stdin = fc.oneof(
  mutated(input).map((value) => JSON.stringify(value)),
  hostileJson.map((value) => JSON.stringify(value)),
  hostileText,
);

/** Everything that a terminal obeys, but for line breaks. */
const OBEYED = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u;

fuzz(
  'commands',
  'end with status 0, 1 or 2, without a stack trace, and print nothing that a terminal would obey',
  fc.record({ args: line, stdin }),
  async ({ args, stdin: text }) => {
    const { code, stdout, stderr } = await promotion(args, { input: text });
    expect([0, 1, 2]).toContain(code);
    expect(`${stdout}${stderr}`).not.toMatch(OBEYED);
    expect(stderr).not.toMatch(/^\s+at .*[:(]\d+/m);
    if (code === 2) expect(stderr).not.toBe('');
  },
);
