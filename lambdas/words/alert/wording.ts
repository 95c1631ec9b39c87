import type { Operation } from '../../domain/payloads.ts';
import type { AlertKind } from './kinds.ts';

/** A line of an alert: a fixed sentence, or a label with an untrusted value. */
export type Line = string | { readonly label: string; readonly value: string };

/**
 * The sentences of an alert. The only untrusted parts in them are version numbers, checked by `versionText`; every other
 * untrusted value stands after a label.
 */
export interface Wording {
  readonly kind: AlertKind;
  /** Slack's name of the emoji before the title. */
  readonly emoji: string;
  readonly title: string;
  /** True where nothing goes on until a person acts; the first line shows it. */
  readonly loud?: boolean;
  readonly happened: readonly string[];
  readonly where: readonly Line[];
  readonly todo: readonly string[];
}

/** Without `where`, the lines on the champion and the Workload are used. */
export type Words = Omit<Wording, 'where'> & { readonly where?: readonly Line[] };

const NAMES = { promote: 'Promotion', rollback: 'Rollback', resume: 'Attempt', adopt: 'Adoption' } as const;

/** The operation in a title. An attempt is the sweep's, at an open change. */
export const operationName = ({ operation }: { readonly operation: Operation }) => NAMES[operation];

/** Where people find the run of the challenger, and among its files the report. */
export interface RunPage {
  readonly url: string;
  /** Path below the run's artifacts; null where the report is not attached. */
  readonly report: string | null;
}

/** Names that every alert shows. */
export interface AlertContext {
  /** Prefix of every subject, in brackets. */
  readonly prefix: string;
  readonly environment: string;
  readonly registryName: string;
}
