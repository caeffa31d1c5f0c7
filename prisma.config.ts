import { defineConfig } from 'prisma/config';

// `generate`, `validate` and `format` run in WebAssembly, yet the CLI first fetches the native schema engine.
// Naming any existing file keeps those commands offline. `migrate` still gets the real engine.
const offline = ['generate', 'validate', 'format', 'version', '-v', '--version'];
if (process.argv.some((word) => offline.includes(word))) {
  process.env['PRISMA_SCHEMA_ENGINE_BINARY'] ??= process.execPath;
}

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_OWNER_URL'] ?? 'postgresql://postgres@127.0.0.1:5432/oncepay' },
});
