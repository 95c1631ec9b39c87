/** The indexes and keys of the promotion table, apart from its items: the construct names them and uses no AWS SDK. */
export const MODELS_INDEX = 'models';
export const PENDING_ALERTS_INDEX = 'pending-alerts';
/** How the keys of a ledger's items begin: an entry, and where the ledger ends. */
export const LEDGER_KEYS = ['ledger#', 'ledger-end#'] as const;
/** How the keys of the items of watches begin: that of a model, and where a round over the models goes on. */
export const WATCH_KEYS = ['watch#', 'watch-cursor'] as const;
/** How the keys of other items begin: the lease of a model, its need of retraining, and the outcome of an execution. */
export const LEASE_KEY = 'lease#';
export const NEED_KEY = 'need#';
export const OUTCOME_KEY = 'outcome#';
/** A release as it was seen in service, and where the hourly comparison of models goes on. */
export const RELEASE_KEY = 'release#';
export const SWEEP_KEY = 'sweep#cursor';
/** A request for approval, and a decision on one. */
export const APPROVAL_KEY = 'approval#';
export const DECISION_KEY = 'decision#';
