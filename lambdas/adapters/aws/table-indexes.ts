/** The indexes of the promotion table, apart from its items: the construct names them and uses no AWS SDK. */
export const MODELS_INDEX = 'models';
export const PENDING_ALERTS_INDEX = 'pending-alerts';
