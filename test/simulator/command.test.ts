import { expect, it } from 'vitest';
import { promotion } from '../support/command.ts';

/** `promotion simulate` as a command. */

const simulate = (...args: string[]) => promotion(['simulate', ...args]);

it.each([
  ['--stories', '0'],
  ['--stories', 'many'],
  ['--failures', '-1'],
  ['--workers', '0'],
  ['--outages', '0'],
  ['--only', 's0'],
  ['--story', 'one-1', '--seed', 'one'],
  ['--story', 'one-1', '--stories', '3'],
  ['--story', 'one-1', '--outages'],
  ['--outages', '--seed', 'one'],
  ['--unknown'],
])('exits 2 for %s %s %s %s', async (...args) => {
  const { code, stdout, stderr } = await simulate(...args.filter((arg) => arg !== undefined));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toBe('');
});

it('reports stories with their coverage as one JSON document, the same for the same seed', async () => {
  const reported = async () => {
    const { code, stdout } = await simulate('--seed', 'command', '--stories', '4', '--json');
    const { seconds, ...report } = JSON.parse(stdout);
    expect(code).toBe(report.failures.length === 0 ? 0 : 1);
    expect(seconds).toBeGreaterThan(0);
    return report;
  };
  const report = await reported();
  expect(report).toMatchObject({ seed: 'command', stories: 4 });
  expect(report.coverage.counts).toHaveProperty(['state BeginPromotion']);
  expect(await reported()).toEqual(report);
});

it('reports the same with any number of workers', async () => {
  const reported = async (workers: string) => {
    const { stdout } = await simulate('--seed', 'command', '--stories', '5', '--workers', workers, '--json');
    return { ...JSON.parse(stdout), seconds: null };
  };
  const alone = await reported('1');
  expect(alone.stories).toBe(5);
  expect(await reported('3')).toEqual(alone);
});

it('names what was not reached, and ends', async () => {
  const { code, stdout } = await simulate('--seed', 'command', '--stories', '2');
  expect(code).toBe(0);
  expect(stdout).toContain('2 stories (seed command)');
  expect(stdout).toContain('Not reached: ');
});

it('plays one story again, or a part of it', async () => {
  const whole = JSON.parse((await simulate('--story', 'command-1', '--json')).stdout);
  const [first] = whole.story.steps;
  const part = JSON.parse((await simulate('--story', 'command-1', '--only', first.id, '--json')).stdout);
  expect(whole.story.steps.length).toBeGreaterThan(0);
  expect(part).toMatchObject({ told: { seed: 'command-1', only: [first.id] }, faults: [] });
  expect(part.story.steps).toEqual([first]);
  expect(part.trace.length).toBeGreaterThan(0);
  const text = await simulate('--story', 'command-1');
  expect(text.stdout).toContain('Story command-1');
});
