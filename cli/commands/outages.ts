import { isInTime, playOutages } from '../../simulator/outages.ts';
import { wrapLines } from '../screen/layout.ts';
import { outageLines } from '../screen/outage-lines.ts';

/**
 * `promotion simulate --outages`: with every system away from every request of an execution on, how long it takes until people
 * are told. Returns the exit status: 0 when everybody is told in time.
 */
export async function outages(every: number, json: boolean): Promise<number> {
  const points = await playOutages(every);
  if (json) console.log(JSON.stringify(points, null, 2));
  else for (const text of outageLines(points)) for (const line of wrapLines(text)) console.log(line);
  return points.every(isInTime) ? 0 : 1;
}
