import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { progressOn } from '../../cli/screen/progress.ts';

/** What a command shows while it works, on a stream that is no terminal. */

let written: string[];
const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;

beforeEach(() => {
  written = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('is nothing for what takes less than two seconds', () => {
  const progress = progressOn(stream);
  progress.doing('Reading');
  vi.advanceTimersByTime(1_999);
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(written).toEqual([]);
  expect(progress.current()).toBeNull();
});

it('is a line after two seconds, and then at growing intervals of up to a minute', () => {
  const progress = progressOn(stream, 2);
  progress.doing('Reading');
  vi.advanceTimersByTime(200_000);
  const seconds = written.map((line) => Number(/^ {2}Reading: (\d+) s\n$/.exec(line)?.[1]));
  expect(seconds).toEqual([2, 6, 14, 30, 62, 122, 182]);
  progress.stop();
});

it('begins anew with what is done next', () => {
  const progress = progressOn(stream);
  progress.doing('Listing');
  vi.advanceTimersByTime(1_500);
  progress.doing('Reading');
  vi.advanceTimersByTime(1_500);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(written).toEqual(['Reading: 2 s\n']);
  expect(progress.current()).toBe('Reading');
  progress.stop();
});
