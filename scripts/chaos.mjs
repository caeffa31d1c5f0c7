// `npm run chaos`: kills everything everywhere and asks whether each payout was paid once (docs/proof.md).
import { runTool } from './tool.mjs';

await runTool('chaos');
