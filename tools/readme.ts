import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Writes the output of `npm start` into the README, between its two marks. With `--check` it writes nothing and fails
 * when the README is out of date; times, ids and dates may differ.
 */
const root = new URL('../', import.meta.url);
const readme = new URL('README.md', root);
const MARKS = /(<!-- run: npm start -->\n)[\s\S]*?(<!-- end -->)/;
/** The lines that the README shows. */
const SHOWN = [
  /^before /,
  / (CompareModels|PreparePromotion|PromoteModel|ClosePromotion|NotifySuccess) /,
  // The rule that decides, with the lines of its reason.
  /^ +(rule|profit) {2}/,
  /^ {50,}\S/,
  / ReplaceWorkload .*(started|launching|completed)/,
  / endpoint answers/,
  /^(promoted|after|endpoint) /,
  // The rest of the recommendation.
  /^ {2}[^ │].*; grade \w\.$/,
];

function screen(): string {
  const cli = fileURLToPath(new URL('cli/promotion.mjs', root));
  const env = { PATH: process.env['PATH'], NO_COLOR: '1' };
  const lines = execFileSync(process.execPath, [cli, 'run'], { env, encoding: 'utf8' }).trimEnd().split('\n');
  const shown = lines.filter((line) => SHOWN.some((pattern) => pattern.test(line)));
  return ['```text', ...shown.map((line) => line.trimEnd()), '```'].join('\n');
}

/** Without times and ids, which differ between runs. */
const withoutTimes = (text: string) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
    .replace(/\b[0-9a-f]{24}\b/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/ *\d+\.\d{3}(?= {2})/g, ' T')
    // Of a second and more on a slow machine.
    .replace(/ *(\d+ ms|\d+\.\d s)(?= {2})/g, ' MS')
    // How many requests fit in, and the phase at the last poll, depend on how fast the machine is.
    .replace(/\b\d+ requests|\bv\d+ \(\d+\)/g, 'COUNT')
    .replace(/completed {2}\w+:/g, 'completed  PHASE:');

const before = readFileSync(readme, 'utf8');
if (!MARKS.test(before)) throw new Error('README.md has no place for the output of npm start');
const after = before.replace(MARKS, (_, start: string, end: string) => `${start}${screen()}\n${end}`);
if (!process.argv.includes('--check')) writeFileSync(readme, after);
else if (withoutTimes(before) !== withoutTimes(after)) {
  console.error('README.md does not show what npm start prints. Run "npm run render" and commit the file.');
  process.exitCode = 1;
}
