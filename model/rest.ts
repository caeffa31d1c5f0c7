/** Whether everything that was under way is over, and nothing is still to be told. */
import type { World } from './world.ts';

/** Nobody is at work but whoever waits for news, and the PSP has said all it has to say. */
export const isQuiet = ({ runs, orphans, messages, psp }: World): boolean =>
  orphans.length === 0 &&
  messages.length === 0 &&
  psp.every(({ owesMessage, lags }) => !owesMessage && !lags) &&
  runs.every(({ tasks }) => tasks.every((task) => task.what === 'look_up' && task.step !== 'record'));
