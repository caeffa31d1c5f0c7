/**
 * Prisma's own schema engine as WebAssembly: does the database that the migrations make agree with schema.prisma?
 * It sees tables, columns, types, indexes and foreign keys; CHECKs, partial indexes, triggers and grants it does not.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, type ColumnType, type SqlResultSet } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

type Glue = typeof import('@prisma/schema-engine-wasm/schema_engine_bg');
/** @types/node has no WebAssembly and this project has no DOM types: only what is used here. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: unknown): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

let glue: Promise<Glue> | undefined;

/** The package's entry does `import x from "./x.wasm"`, which Node refuses without a flag: instantiate by hand, once. */
async function loadGlue(): Promise<Glue> {
  const file = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const module = (await import('@prisma/schema-engine-wasm/schema_engine_bg')) as Glue & {
    __wbg_set_wasm(exports: unknown): void;
  };
  const bytes = readFileSync(join(dirname(file), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': module });
  module.__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
  return module;
}

/** adapter-pg cannot name PostgreSQL's internal "char" (OID 18), which the catalogue is full of: hand it over as Character. */
const CHAR_OID = 18;
const TEXT_OID = 25;
const CHARACTER = 6 as ColumnType;

class CatalogPg extends PrismaPg {
  readonly #charColumns: number[];
  constructor(pool: pg.Pool, charColumns: number[]) {
    super(pool);
    this.#charColumns = charColumns;
  }
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query): Promise<SqlResultSet> => {
      this.#charColumns.length = 0;
      const result = await queryRaw(query);
      for (const index of this.#charColumns) result.columnTypes[index] = CHARACTER;
      return result;
    };
    return adapter;
  }
}

function catalogPool(url: string, charColumns: number[]): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const fix = (result: pg.QueryResult | undefined): unknown => {
    for (const [index, field] of (result?.fields ?? []).entries()) {
      if (field.dataTypeID !== CHAR_OID) continue;
      charColumns.push(index);
      field.dataTypeID = TEXT_OID;
    }
    return result;
  };
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<pg.QueryResult>;
  (pool as { query: unknown }).query = (...args: unknown[]): unknown => query(...args).then(fix);
  return pool;
}

async function withEngine<T>(url: string, schemaFile: string, run: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  glue ??= loadGlue();
  const { SchemaEngine } = await glue;
  const charColumns: number[] = [];
  const pool = catalogPool(url, charColumns);
  const factory = bindMigrationAwareSqlAdapterFactory(new CatalogPg(pool, charColumns));
  try {
    const datamodels: [string, string][] = [[schemaFile, readFileSync(schemaFile, 'utf8')]];
    const engine = await SchemaEngine.new({ datamodels }, () => undefined, factory);
    try {
      return await run(engine);
    } finally {
      engine.free();
    }
  } finally {
    await pool.end();
  }
}

const filters = { externalTables: ['public._functions'], externalEnums: [] };
const schemaFiles = (file: string): { path: string; content: string }[] => [{ path: file, content: readFileSync(file, 'utf8') }];

/** SQL that would turn the database into what schema.prisma says; '' means they agree. */
export async function drift(url: string, schemaFile: string): Promise<string> {
  return await withEngine(url, schemaFile, async (engine) => {
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files: schemaFiles(schemaFile), configDir: process.cwd() },
      to: { tag: 'schemaDatamodel', files: schemaFiles(schemaFile) },
      script: true,
      exitCode: true,
      filters,
    });
    return exitCode === 0 ? '' : (stdout ?? 'drift');
  });
}
