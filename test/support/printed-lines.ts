import { vi } from 'vitest';

/** What is printed from now on, one string per line, on standard output and standard error. */
export function printedLines(): string[] {
  const lines: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk: unknown) => {
      lines.push(...String(chunk).split('\n').filter(Boolean));
      return true;
    });
  }
  return lines;
}

interface EmbeddedMetrics {
  _aws: {
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
  [value: string]: unknown;
}

/** The lines among them in CloudWatch's embedded metric format. */
export const embeddedMetrics = (lines: readonly string[]): EmbeddedMetrics[] =>
  lines.filter((line) => line.includes('"_aws"')).map((line) => JSON.parse(line));

/** Every value among them, as `Name value Unit`. */
export const measured = (lines: readonly string[]): string[] =>
  embeddedMetrics(lines).flatMap((line) =>
    line._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics).map(
      ({ Name, Unit }) => `${Name} ${String(line[Name])} ${Unit}`,
    ),
  );
