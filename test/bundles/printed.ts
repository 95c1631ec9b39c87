import { describe, expect, it } from 'vitest';
import { functionNames } from '../../lambdas/domain/limits.ts';
import type { DeployedHost } from './deployed-host.ts';

/** What the functions have printed in the tests before: CloudWatch keeps all of it. */
export function printedAfter(host: DeployedHost): void {
  const linesOf = (name: (typeof functionNames)[number]) =>
    (host.lambdas().get(name)?.printed() ?? '').split('\n').filter((line) => line !== '');

  describe('what the functions printed meanwhile', () => {
    it.each(functionNames)('of %s is one JSON object a line', (name) => {
      for (const line of linesOf(name)) expect(() => JSON.parse(line), line).not.toThrow();
    });

    it('holds no secret', () => {
      const everything = functionNames.flatMap(linesOf).join('\n');
      expect(everything.length).toBeGreaterThan(1000);
      for (const secret of host.secrets) {
        expect(everything).not.toContain(secret);
        expect(everything).not.toContain(Buffer.from(secret).toString('base64'));
      }
    });

    it('names function, execution and model on every line of a step', () => {
      const lines = linesOf('promote-model').map((line) => JSON.parse(line));
      const steps = lines.filter(
        ({ message, execution }) => message === 'answered' && execution !== undefined,
      );
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps)
        expect(step).toMatchObject({
          function: 'promote-model',
          environment: 'prod',
          model_name: expect.any(String),
          version: expect.any(String),
        });
    });

    it('counts how executions ended, by environment', () => {
      const metrics = linesOf('end-promotion')
        .map((line) => JSON.parse(line))
        .filter((line) => '_aws' in line);
      expect(metrics.filter((line) => line.Promoted === 1).length).toBeGreaterThan(0);
      for (const { _aws, Environment } of metrics) {
        expect(Environment).toBe('prod');
        expect(_aws.CloudWatchMetrics).toMatchObject([
          { Namespace: 'ModelPromotion', Dimensions: [['Environment']] },
        ]);
      }
    });
  });
}
