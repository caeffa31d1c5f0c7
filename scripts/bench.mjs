// `npm run bench`: how fast it is, beside the least that any payout engine on Temporal would cost (bench/RESULTS.md).
import { runTool } from './tool.mjs';

await runTool('bench');
