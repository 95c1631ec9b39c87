import type { HistoryNote } from '../domain/promotion/history.ts';
import { visible } from '../domain/visible-text.ts';

const workload = (id: string) => `Workload "${visible(id, 80)}"`;

/** A note of a model's history as a sentence. */
export function historyNote(note: HistoryNote): string {
  switch (note.code) {
    case 'no-result':
      return `The ${note.kind} ${note.id}, recorded at ${note.at}, has no result: it is in progress or was interrupted`;
    case 'moved-unrecorded':
      return `When version ${note.to} was promoted at ${note.at}, ${note.from ?? 'none'} was the champion, but the last record names ${note.recorded ?? 'none'}: another actor moved it`;
    case 'production-differs':
      return `Champion now: ${note.current ?? 'none'}; the last record names ${note.recorded ?? 'none'}. The time of the move is not recorded`;
    case 'served-differs':
      return `Served now: artifact ${note.current ?? 'none'}; the Workload's history ends with ${note.recorded ?? 'none'}`;
    case 'no-workload':
      return 'No Workload serves the model: the registered model has no tag workload.id';
    case 'workload-missing':
      return `${workload(note.workload)} does not exist, or the owner of the token cannot see it`;
    case 'workload-unread': {
      const why = note.why ?? 'DATAROBOT_ENDPOINT and DATAROBOT_API_TOKEN are not set; set both to read it';
      return `The history of ${workload(note.workload)} could not be read: ${why}`;
    }
  }
}
