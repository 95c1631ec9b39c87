import { Logger } from '@aws-lambda-powertools/logger';

/** One structured line per event on standard output, as Lambda collects it. Level: POWERTOOLS_LOG_LEVEL. */
export const log = new Logger({ serviceName: 'model-promotion' });
