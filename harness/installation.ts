/** An installation to try things on. */
import { clusterInstallation } from './clusterInstallation.ts';
import { type Installation, startInstallation } from './ownInstallation.ts';

export type { CallOptions, Credentials, Installation, Reply } from './ownInstallation.ts';

/** One of the test's own with these settings; or the cluster that the environment names, as it is. */
export async function installation(env: Record<string, string> = {}): Promise<Installation> {
  const cluster = process.env['ONCEPAY_CLUSTER'];
  return cluster ? clusterInstallation(cluster) : await startInstallation(env);
}
