import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderedFile } from '../../tools/render.ts';
import { renderCopy } from '../support/render-copy.ts';

const root = join(import.meta.dirname, '../..');
const { directory: copy, render } = renderCopy();

describe('the command npm run render', () => {
  it('says with --check that the file is up to date, and writes nothing', async () => {
    expect(await render('--check')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('fails with --check when the file is out of date or missing, and says what to do', async () => {
    const file = join(copy, 'statemachines/promotion.asl.json');
    writeFileSync(file, '{}\n');
    const { status, stderr } = await render('--check');
    expect(status).toBe(1);
    expect(stderr).toContain('promotion.asl.json is out of date. Run "npm run render"');

    rmSync(file);
    expect((await render('--check')).status).toBe(1);
    expect((await render()).status).toBe(0);
    expect((await render('--check')).status).toBe(0);
  });

  it('draws the definition in docs/architecture.md, too, and says when that is out of date', async () => {
    const file = join(copy, 'docs/architecture.md');
    const text = readFileSync(file, 'utf8');
    const outdated = text.replace('  BeginPromotion["BeginPromotion"]\n', '');
    expect(outdated).not.toBe(text);
    writeFileSync(file, outdated);
    expect(await render('--check')).toMatchObject({
      status: 1,
      stderr: 'docs/architecture.md is out of date. Run "npm run render" and commit the file.\n',
    });
    expect(readFileSync(file, 'utf8')).toBe(outdated);
    expect((await render()).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('says that docs/architecture.md has no place for the picture, and writes nothing', async () => {
    const file = join(copy, 'docs/architecture.md');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, '# Another text\n');
    expect(await render()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('docs/architecture.md lacks the line'),
    });
    expect(readFileSync(file, 'utf8')).toBe('# Another text\n');
    writeFileSync(file, text);
  });

  it('explains itself with --help, and refuses arguments that it does not know', async () => {
    const { status, stdout } = spawnSync(process.execPath, [join(copy, 'tools/render.ts'), '--help'], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Usage:') });
    expect(await render('--chekc')).toMatchObject({ status: 2, stderr: expect.stringContaining('--chekc') });
  });

  it('lies where the local host reads it', async () => {
    expect(renderedFile).toBe(join(root, 'statemachines/promotion.asl.json'));
  });
});
