// `npm run cluster`: a real Temporal cluster on PostgreSQL without containers, and oncepay twice on it (docs/cluster.md).
import { runTool } from './tool.mjs';

await runTool('cluster');
