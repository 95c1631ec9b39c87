import { expect, it } from 'vitest';
import type { HistoryNote } from '../../lambdas/domain/promotion/history.ts';
import { historyNote } from '../../lambdas/words/history.ts';

/** Everything that is missing in a model's history, or does not fit together, and its sentence. */

const at = '2026-11-21T10:00:00.000Z';

const notes: [HistoryNote, string][] = [
  [
    { code: 'no-result', kind: 'promote', id: 'e1', at },
    `The promote e1, recorded at ${at}, has no result: it is in progress or was interrupted`,
  ],
  [
    { code: 'moved-unrecorded', to: '3', at, from: '1', recorded: '2' },
    `When version 3 was promoted at ${at}, 1 was the champion, but the last record names 2: another actor moved it`,
  ],
  [
    { code: 'moved-unrecorded', to: '3', at, from: null, recorded: '2' },
    `When version 3 was promoted at ${at}, none was the champion, but the last record names 2: another actor moved it`,
  ],
  [
    { code: 'production-differs', current: '1', recorded: '2' },
    'Champion now: 1; the last record names 2. The time of the move is not recorded',
  ],
  [
    { code: 'production-differs', current: '1', recorded: null },
    'Champion now: 1; the last record names none. The time of the move is not recorded',
  ],
  [
    { code: 'served-differs', current: 'a1', recorded: 'a2' },
    "Served now: artifact a1; the Workload's history ends with a2",
  ],
  [
    { code: 'served-differs', current: null, recorded: 'a2' },
    "Served now: artifact none; the Workload's history ends with a2",
  ],
  [{ code: 'no-workload' }, 'No Workload serves the model: the registered model has no tag workload.id'],
  [
    { code: 'workload-missing', workload: 'w1' },
    'Workload "w1" does not exist, or the owner of the token cannot see it',
  ],
  [
    { code: 'workload-unread', workload: 'w1', why: 'WorkloadApiRefused: HTTP 403' },
    'The history of Workload "w1" could not be read: WorkloadApiRefused: HTTP 403',
  ],
  [
    { code: 'workload-unread', workload: 'w1', why: null },
    'The history of Workload "w1" could not be read: DATAROBOT_ENDPOINT and DATAROBOT_API_TOKEN are not set; set both to read it',
  ],
];

it.each(notes)('%j', (note, sentence) => {
  expect(historyNote(note)).toBe(sentence);
});

it('shows the id of a Workload, which somebody else chose, in visible form', () => {
  expect(historyNote({ code: 'workload-missing', workload: 'w\n\u202e1' })).toBe(
    'Workload "w\\n\\u{202e}1" does not exist, or the owner of the token cannot see it',
  );
});
