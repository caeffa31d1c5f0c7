/** `npm run cluster`: payouts over both APIs while one server and one worker are killed and stay dead; then they come back. */
import type { Cluster } from './arrangement.ts';
import { merchantOf, payMany } from './merchant.ts';
import { problemsOf } from './oracle.ts';

export async function halfDies(cluster: Cluster, count: number, say: (line: string) => void): Promise<string[]> {
  const { servers, workers, untilWell } = cluster;
  const merchant = merchantOf(cluster);

  say(`${count} payouts over both APIs; after half of them server 2 and worker 2 are killed`);
  const first = await payMany(merchant, count, async () => {
    await Promise.all([servers[1].kill(), workers[1].kill()]);
    say('killed: server 2 and worker 2');
  });
  say(`${count} payouts ended, ${first.length} of them wrong; ${merchant.repeats()} requests had to be repeated`);

  say('server 2 and worker 2 start again; another fifth of that over both APIs');
  servers[1].start();
  workers[1].start();
  await untilWell();
  const second = await payMany(merchant, Math.ceil(count / 5));
  say(`${Math.ceil(count / 5)} payouts ended, ${second.length} of them wrong`);
  return [...first, ...second, ...(await problemsOf(cluster))];
}
