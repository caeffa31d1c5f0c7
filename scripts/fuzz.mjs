// `npm run fuzz`: the API attacked from its own OpenAPI document (fuzz/main.ts).
import { runTool } from './tool.mjs';

await runTool('fuzz');
