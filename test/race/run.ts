import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, orInterrupted, runCommand } from '../mlflow/command.ts';
import { SetupError } from '../mlflow/install.ts';
import { newest3, postgresql } from '../mlflow/releases.ts';
import { startServer } from '../mlflow/server.ts';
import { MlflowRest } from '../support/mlflow-rest.ts';
import { startPeople } from './people.ts';
import { contests, type Database, databases, modes, parties, planOf, type Round } from './plan.ts';
import { startPostgresql } from './postgresql.ts';
import { complaintOf, printed, titleOf } from './report.ts';
import { type Ended, playRound, type Server } from './round.ts';

/** `npm run test:race`: promotions, rollbacks and people at the same instant, on real MLflow servers. */

const ROUNDS = 500;

const HELP = `npm run test:race [-- options]

Plays rounds on MLflow ${newest3.version}: eight promotions at once, promotions against rollbacks, a promotion or a rollback against
a person, each by MLflow's own client, by our functions without a table, and with it; and five executions of the state
machine. A sweep runs after each round with the table. Prints how many rounds ended with other than exactly one
champion, and how many of those nobody was told of. The first time it installs MLflow (about 1 GB) and PostgreSQL into
.mlflow/. Servers listen on 127.0.0.1 or a socket, work in temporary folders, and are stopped at the end.

  --rounds N       rounds in total (default ${ROUNDS})
  --database NAME  sqlite, postgresql or all (default)
  --mode NAME      stages, aliases, both or all (default)
  --contest NAME   ${contests.join(', ')},
                   or all (default)
  --by NAME        ${parties.join(', ')} or all (default)
  --seed TEXT      who does what and when (default: the date); how the servers interleave it is theirs
  --log FILE       appends each round with all that was said, as a line of JSON
  --help           this text

  PYTHON           the Python to install with (default: the first of 3.10 to 3.13 that is found)

Exit status 1 if a round of ours with the table ended wrong though no person wrote, if a wrong round of ours went untold
within one sweep, or if ours archived what a person had just made champion and named it nowhere.
`;

await runCommand(async (command) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      database: { type: 'string', default: 'all' },
      mode: { type: 'string', default: 'all' },
      contest: { type: 'string', default: 'all' },
      by: { type: 'string', default: 'all' },
      seed: { type: 'string', default: new Date().toISOString().slice(0, 10) },
      log: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (process.platform === 'win32') throw new SetupError('These tests need Linux or macOS.');
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new SetupError('--rounds must be a whole number above 0');
  const wanted = {
    rounds,
    seed: values.seed,
    databases: chosen('--database', values.database, databases),
    modes: chosen('--mode', values.mode, modes),
    contests: chosen('--contest', values.contest, contests),
    parties: chosen('--by', values.by, parties),
  };
  return race(command, wanted, values.log ?? null);
});

function chosen<T extends string>(option: string, value: string, all: readonly T[]): T[] {
  const found = value === 'all' ? all : all.filter((each) => each === value);
  if (found.length === 0) throw new SetupError(`${option} must be ${all.join(', ')} or all`);
  return [...found];
}

async function race(
  command: Command,
  options: Parameters<typeof planOf>[0],
  log: string | null,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'race-'));
  process.once('exit', (status) => {
    if (status === 1) process.stderr.write(`The servers' logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  });
  const plan = planOf(options);
  const ended: Ended[] = [];
  for (const database of options.databases) {
    const rounds = plan.filter((round) => round.database === database);
    if (rounds.length > 0) ended.push(...(await onDatabase(command, database, rounds, { folder, log })));
  }
  console.log(`\n${printed(ended)}\n\nSeed ${options.seed}, MLflow ${newest3.version}.`);
  const complaints = ended.flatMap((each) => {
    const complaint = complaintOf(each);
    return complaint === null ? [] : [{ each, complaint }];
  });
  for (const { each, complaint } of complaints)
    console.error([`\n${titleOf(each)} ${complaint}:`, ...each.said.map((line) => `  ${line}`)].join('\n'));
  return complaints.length === 0 ? 0 : 1;
}

/** Plays the rounds of one database, on a server of its own. */
async function onDatabase(
  command: Command,
  database: Database,
  rounds: readonly Round[],
  { folder, log }: { folder: string; log: string | null },
): Promise<Ended[]> {
  const installation = await command.installation(newest3);
  const own = join(folder, database);
  mkdirSync(own);
  const programs = database === 'postgresql' ? await command.installation(postgresql) : null;
  const store =
    programs === null ? null : await command.start('Start PostgreSQL', () => startPostgresql(programs));
  const title = `Start MLflow ${newest3.version} on ${database}`;
  const mlflow = await command.start(title, () =>
    // Two processes, as one answers its requests in turn where Python computes.
    startServer(installation, own, { workers: 2, ...(store === null ? {} : { store: store.store }) }),
  );
  const people = await command.start("Start MLflow's Python client", async () =>
    startPeople(installation.python, mlflow.url, own),
  );
  const server: Server = { url: mlflow.url, api: new MlflowRest({ url: mlflow.url }), people };
  const ended: Ended[] = [];
  await command.step(`${rounds.length} rounds on ${database}`, async (show) => {
    for (const round of rounds) {
      command.interrupted.throwIfAborted();
      ended.push(await orInterrupted(playRound(round, server), command.interrupted));
      if (log !== null) appendFileSync(log, `${JSON.stringify(ended.at(-1))}\n`);
      const wrong = ended.filter((each) => each.wrong).length;
      const failed = ended.filter((each) => complaintOf(each) !== null).length;
      show(
        `${ended.length} of ${rounds.length} rounds on ${database}: ${wrong} wrong, ${failed} of them must not be`,
      );
    }
  });
  for (const each of [people, mlflow, store]) await each?.stop();
  return ended;
}
