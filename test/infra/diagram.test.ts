import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Definition, diagram } from '../../tools/diagram.ts';
import { renderDefinition, withPicture } from '../../tools/render.ts';
import { renderCopy } from '../support/render-copy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const document = readFileSync(join(root, 'docs/reference.md'), 'utf8').replaceAll('\r\n', '\n');
const definition: Definition = JSON.parse(renderDefinition());

const lines = (text: string) => text.split('\n').map((line) => line.trim());
const done = { Type: 'Succeed' };

/** A task that hands on what its catches name, and then goes on to `Done`. */
const task = (...catches: [string[], string][]) => ({
  Type: 'Task',
  Resource: 'arn:aws:lambda:us-east-1:123456789012:function:do-it',
  Catch: catches.map(([ErrorEquals, Next]) => ({ ErrorEquals, Next })),
  Next: 'Done',
});

describe('the picture in docs/reference.md', () => {
  it('is up to date', () => {
    expect(withPicture(document, definition)).toBe(document);
  });

  it.each(Object.entries(definition.States))('shows %s and where it leads', (name, state) => {
    const picture = lines(document);
    expect(
      picture.filter((line) => line.includes(`"${name}"`) || line.includes(`"${name}<br>`)),
    ).toHaveLength(1);
    const drawn = picture.filter((line) => line.startsWith(`${idOf(name)} -->`));
    const targets = new Set(
      [...(state.Choices ?? []).map(({ Next }) => Next), state.Default, state.Next].filter(
        (next) => next !== undefined,
      ),
    );
    expect(new Set(drawn.map((line) => line.split(' ').at(-1)))).toEqual(new Set([...targets].map(idOf)));
  });

  it('accounts for every state that an error leads to', () => {
    const picture = lines(diagram(definition));
    const [tasks = '', usual = ''] = (picture.at(-1) ?? '').split('every error leads to');
    for (const [name, state] of Object.entries(definition.States)) {
      for (const { Next } of state.Catch ?? []) {
        const isDrawn = picture.some(
          (line) => line.startsWith(`${idOf(name)} -.->`) && line.endsWith(` ${idOf(Next)}`),
        );
        const isTold = tasks.includes(`\`${name}\``) && usual.includes(`\`${Next}\``);
        expect({ name, Next, accounted: isDrawn || isTold }).toEqual({ name, Next, accounted: true });
      }
    }
  });
});

describe('the labels', () => {
  const choice = (...rules: object[]): Definition => ({
    StartAt: 'Which?',
    States: {
      'Which?': {
        Type: 'Choice',
        Choices: rules.map((rule) => ({ ...rule, Next: 'Done' })),
        Default: 'Done',
      },
      Done: done,
    },
  });
  const isA = { Variable: '$.x.kind', StringEquals: 'A' };

  it.each([
    { rule: isA, label: 'A' },
    { rule: { Variable: '$.x.ready', BooleanEquals: true }, label: 'ready' },
    { rule: { And: [isA, { Variable: '$.x.dry_run', BooleanEquals: false }] }, label: 'A, not dry_run' },
    { rule: { Or: [isA, { Variable: '$.x.kind', StringEquals: 'B' }] }, label: 'A or B' },
    { rule: { Not: isA }, label: 'not (A)' },
    { rule: { Variable: '$.x.id', IsNull: true }, label: 'no id' },
    { rule: { Variable: '$.x.id', IsNull: false }, label: 'id' },
    { rule: { Variable: '$.pause', IsNumeric: true }, label: 'pause is numeric' },
    { rule: { Variable: '$.count', NumericGreaterThan: 3 }, label: 'count numeric greater than 3' },
  ])('of a choice say "$label" for the rule that means it', ({ rule, label }) => {
    expect(lines(diagram(choice(rule)))).toContain(`Which_3f_ -->|"${label}"| Done`);
  });

  it('of a choice say where a rule counts only after a narrower one', () => {
    const narrow = { And: [isA, { Variable: '$.late', BooleanEquals: true }] };
    expect(lines(diagram(choice(narrow, isA)))).toEqual(
      expect.arrayContaining(['Which_3f_ -->|"A, late"| Done', 'Which_3f_ -->|"otherwise A"| Done']),
    );
    expect(lines(diagram(choice(isA, narrow)))).toContain('Which_3f_ -->|"A"| Done');
  });

  it('of a task name its function only where that differs', () => {
    const States = { DoIt: { ...task(), Next: 'Again' }, Again: task(), Done: done };
    expect(lines(diagram({ StartAt: 'DoIt', States }))).toEqual(
      expect.arrayContaining(['DoIt["DoIt"]', 'Again["Again<br>do-it"]']),
    );
  });

  it('of errors name one error, a group, and what remains, with one arrow for each target', () => {
    const DoIt = task(
      [['Stale'], 'A'],
      [['Lost', 'Late'], 'B'],
      [['States.DataLimitExceeded'], 'Done'],
      [['States.ALL'], 'Done'],
    );
    const States = { DoIt, A: done, B: done, Done: done };
    const picture = lines(diagram({ StartAt: 'DoIt', States }, { 'no answer': ['Late', 'Lost'] }));
    expect(picture.filter((line) => line.includes('-.->'))).toEqual([
      'DoIt -.->|"Stale"| A',
      'DoIt -.->|"no answer"| B',
      'DoIt -.->|"other error"| Done',
    ]);
    expect(picture.at(-1)).not.toContain('Not drawn');
  });

  it('leave out the errors that several tasks hand to the same state, and say so below', () => {
    const all: [string[], string] = [['States.ALL'], 'Done'];
    const States = { One: task(all), Two: task(all), Three: task([['States.ALL'], 'Other']), Other: done };
    const picture = lines(diagram({ StartAt: 'One', States: { ...States, Done: done } }));
    expect(picture.filter((line) => line.includes('-.->'))).toEqual(['Three -.->|"error"| Other']);
    expect(picture.at(-1)).toContain('Not drawn: from `One` and `Two`, every error leads to `Done`.');
  });

  it('are escaped, so that no name can end a label or start a word of Mermaid', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }),
        (names) => {
          const States = Object.fromEntries(names.map((name) => [name, done]));
          const nodes = lines(diagram({ StartAt: names[0] ?? '', States })).filter((l) => l.includes(':::'));
          const parts = nodes.map((line) =>
            /^([\p{Lu}_]\w*)\(\["([^"<>`|[\]{}\\]*)"\]\):::succeed$/u.exec(line),
          );
          expect(parts).not.toContain(null);
          expect(new Set(parts.map((part) => part?.[1])).size).toBe(Object.keys(States).length);
        },
      ),
    );
    const hostile = diagram({ StartAt: 'end', States: { 'a "b" <i> #35; `c`\n': done, end: done } });
    expect(hostile).toContain('"a #34;b#34; #60;i#62; #35;35#59; #96;c#96;#10;"');
    expect(lines(hostile)).toContain('_65_nd(["end"]):::succeed');
  });
});

describe('the command npm run render', () => {
  const { directory: copy, render } = renderCopy();
  const file = join(copy, 'docs/reference.md');

  beforeEach(() => writeFileSync(file, document));

  it('says with --check that docs/reference.md is out of date, and writes it without', async () => {
    writeFileSync(file, document.replace('flowchart TD', 'flowchart LR'));
    expect(await render('--check')).toMatchObject({
      status: 1,
      stderr: 'docs/reference.md is out of date. Run "npm run render" and commit the file.\n',
    });
    expect((await render()).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(document);
    expect(await render('--check')).toMatchObject({ status: 0, stderr: '' });
  });

  it('says that docs/reference.md has no place for the picture', async () => {
    writeFileSync(file, '# Another text\n');
    expect(await render()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('docs/reference.md lacks the line'),
    });
    expect(readFileSync(file, 'utf8')).toBe('# Another text\n');
  });
});

/** As written in the picture: a question mark is the only character of the names that cannot stay. */
function idOf(name: string): string {
  return name.replace('?', '_3f_');
}
