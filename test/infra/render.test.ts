import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { renderedFile } from '../../tools/render.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A copy of what the command reads, so that the repository's own file is left alone. */
const copy = mkdtempSync(join(tmpdir(), 'render-'));
mkdirSync(join(copy, 'lambdas'));
for (const folder of ['statemachines', 'tools', 'lambdas/domain']) {
  cpSync(join(root, folder), join(copy, folder), { recursive: true });
}
cpSync(join(root, 'package.json'), join(copy, 'package.json'));
cpSync(join(root, 'README.md'), join(copy, 'README.md'));
mkdirSync(join(copy, 'docs'));
cpSync(join(root, 'docs/architecture.md'), join(copy, 'docs/architecture.md'));
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

function render(...args: string[]) {
  const script = join(copy, 'tools/render.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('the command npm run render', () => {
  it('says with --check that the file is up to date, and writes nothing', () => {
    expect(render('--check')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('fails with --check when the file is out of date or missing, and says what to do', () => {
    const file = join(copy, 'statemachines/promotion.asl.json');
    writeFileSync(file, '{}\n');
    const { status, stderr } = render('--check');
    expect(status).toBe(1);
    expect(stderr).toContain('promotion.asl.json is out of date. Run "npm run render"');

    rmSync(file);
    expect(render('--check').status).toBe(1);
    expect(render().status).toBe(0);
    expect(render('--check').status).toBe(0);
  });

  it('draws the definition in docs/architecture.md, too, and says when that is out of date', () => {
    const file = join(copy, 'docs/architecture.md');
    const text = readFileSync(file, 'utf8');
    const outdated = text.replace('  BeginPromotion["BeginPromotion"]\n', '');
    expect(outdated).not.toBe(text);
    writeFileSync(file, outdated);
    expect(render('--check')).toMatchObject({
      status: 1,
      stderr: 'docs/architecture.md is out of date. Run "npm run render" and commit the file.\n',
    });
    expect(readFileSync(file, 'utf8')).toBe(outdated);
    expect(render().status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('says that docs/architecture.md has no place for the picture, and writes nothing', () => {
    const file = join(copy, 'docs/architecture.md');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, '# Another text\n');
    expect(render()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('docs/architecture.md lacks the line'),
    });
    expect(readFileSync(file, 'utf8')).toBe('# Another text\n');
    writeFileSync(file, text);
  });

  it('explains itself with --help, and refuses arguments that it does not know', () => {
    expect(render('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage:') });
    expect(render('--chekc')).toMatchObject({ status: 2, stderr: expect.stringContaining('--chekc') });
  });

  it('lies where the local host reads it', () => {
    expect(renderedFile).toBe(join(root, 'statemachines/promotion.asl.json'));
  });
});
