/**
 * Where the functions' log lines go: to standard error, or nowhere, as standard output is for the answer. To be called
 * before a command is loaded: the logger reads the environment then.
 */
export function setLogLines(verbose: boolean): void {
  if (!verbose) {
    process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
    return;
  }
  process.env['POWERTOOLS_LOG_LEVEL'] = 'INFO';
  process.env['POWERTOOLS_DEV'] = 'true';
  console.log = console.info = console.warn = console.debug = console.error;
}
