/** What an alert is about; subscribers can filter by it. */
export const alertKinds = [
  'adopted',
  'awaiting_approval',
  'confirmed',
  'degraded',
  'in_step',
  'promoted',
  'kept',
  'needs_investigation',
  'failed',
  'rolled_back',
  'contested',
  'busy',
  'unproven',
  'unverified',
] as const;
export type AlertKind = (typeof alertKinds)[number];
