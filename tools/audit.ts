import { spawnSync } from 'node:child_process';
import * as z from 'zod';

/**
 * `npm run audit`: known vulnerabilities of the dependencies that are shipped, by `npm audit`. Exit status 1 for one of
 * severity high or critical. A registry without advisories, as mirrors often are, is said and does not fail.
 */

const Report = z.object({
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});

const { stdout } = spawnSync('npm', ['audit', '--json', '--omit=dev'], { encoding: 'utf8' });
const report = Report.safeParse(jsonOf(stdout)).data;
if (report === undefined) {
  process.stderr.write(
    'Not audited: the registry answers no advisories. Run it where the public registry is reachable.\n',
  );
} else {
  for (const [name, { severity, range }] of Object.entries(report.vulnerabilities))
    process.stdout.write(`${severity.padEnd(10)} ${name} ${range}\n`);
  const { high = 0, critical = 0, total = 0 } = report.metadata.vulnerabilities;
  process.stdout.write(`${total} known vulnerabilities, ${high + critical} of them high or critical\n`);
  process.exitCode = high + critical > 0 ? 1 : 0;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
