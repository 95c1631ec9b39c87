import type { GateOf } from './policy-gates.ts';

/** Times in which nothing is promoted, as clocks on the wall of a time zone show them. */

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** The freeze that holds at `now`: its end as local time, a date or a time of the week; null where none holds. */
export function frozenUntil(
  { time_zone, weekly, dates }: Pick<GateOf<'freeze'>, 'time_zone' | 'weekly' | 'dates'>,
  now: Date,
): string | null {
  const local = localTime(now, time_zone);
  const range = dates.find(({ from, to }) => {
    // A date alone is the whole day: its text is the beginning of every time in it.
    const ended = to.length === 10 ? local.text.slice(0, 10) > to : local.text >= to;
    return local.text >= from && !ended;
  });
  if (range !== undefined) return range.to;
  const window = weekly.find(({ from, to }) => {
    const [start, end] = [minuteOfWeek(from), minuteOfWeek(to)];
    const [at, started] = [local.minute, local.minute >= start];
    // A window that ends before it begins spans the end of the week; one that ends as it begins is the whole week.
    return start < end ? started && at < end : started || at < end;
  });
  return window?.to ?? null;
}

/** The wall clock: `2026-11-20T16:05`, and the minute of the week from Monday 00:00 on. */
function localTime(now: Date, timeZone: string): { text: string; minute: number } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(now);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((each) => each.type === type)?.value ?? '';
  const time = `${part('hour')}:${part('minute')}`;
  return {
    text: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}T${time}`,
    minute: minuteOfWeek(`${part('weekday')} ${time}`),
  };
}

/** Of a time such as `Fri 16:00`. */
function minuteOfWeek(text: string): number {
  const [day = '', hour = '', minute = ''] = text.split(/[ :]/);
  return DAYS.indexOf(day) * 1440 + Number(hour) * 60 + Number(minute);
}
