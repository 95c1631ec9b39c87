/** What an alert is about; subscribers can filter by it. */
export const alertKinds = [
  'promoted',
  'kept',
  'needs_investigation',
  'failed',
  'rolled_back',
  'contested',
  'busy',
] as const;
export type AlertKind = (typeof alertKinds)[number];

/** A line of an alert: a sentence of our own, or a value somebody else chose after a label of our own. */
export type Line = string | { readonly label: string; readonly value: string };

/**
 * What an alert says, in whole sentences of our own: the only foreign words in them are version numbers, which
 * `versionText` has checked. Everything else that is foreign stands alone, after a label.
 */
export interface Wording {
  readonly kind: AlertKind;
  /** Slack's name of the emoji before the title. */
  readonly emoji: string;
  readonly title: string;
  /** True when somebody has to act at once; the alert says so in its first line. */
  readonly loud?: boolean;
  readonly happened: readonly string[];
  readonly where: readonly Line[];
  readonly todo: readonly string[];
}

/** `where` is left out where the champion before and after, and the Workload, say it all. */
export type Words = Omit<Wording, 'where'> & { readonly where?: readonly Line[] };

export interface AlertContext {
  /** Stands in brackets before every subject. */
  readonly prefix: string;
  readonly environment: string;
  readonly registryName: string;
}
