// proto/millrace.fbs as JavaScript: flatc makes TypeScript, whose types are taken out here. Only
// what flatc writes is understood, and what is left over is a syntax error at import.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const schemaFile = fileURLToPath(new URL('../../../proto/millrace.fbs', import.meta.url));
const library = pathToFileURL(createRequire(import.meta.url).resolve('flatbuffers')).href;

// `i:number, bb?:flatbuffers.ByteBuffer` -> `i, bb`
const withoutTypes = (parameters) =>
  parameters.split(',').map((one) => one.replace(/\??:.*$/s, '')).join(',');

export function scriptOf(typescript) {
  return typescript
    .replace(/^import \* as flatbuffers from .*$/m, `import flatbuffers from '${library}';`)
    .replace(/^import \{([^}]*)\} from '(?:[^']*\/)?([\w-]+?)(?:\.js)?';/gm, (_, names, file) =>
      `import {${names.split(',').filter((name) => !/unionTo|unionListTo/.test(name)).join(',')}}` +
      ` from './${file}.mjs';`)
    .replace(/^export function union[\s\S]*?^}/gm, '')
    .replace(/^export enum (\w+) \{([\s\S]*?)\}/gm, (_, name, members) =>
      `export const ${name} = Object.freeze({${members.replace(/ = /g, ': ')}});`)
    .replace(/^ *\w+\([^)]*\):[^{;]*$/gm, '')  // overloads
    .replace(/^( *(?:static )?\w+)(?:<[^>]*>)?\(([^)]*)\)(?::[^{]*)? ?\{$/gm,
      (_, name, parameters) => `${name}(${withoutTypes(parameters)}) {`)
    .replace(/^( *\w+): [\w.|]+ = null;$/gm, '$1 = null;')
    .replace(/([\w)\]])!(?!=)/g, '$1');
}

// Every class and enum of the schema, and `flatbuffers`.
export async function loadSchema() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-flat-'));
  try {
    execFileSync('flatc', ['--ts', '-o', folder, schemaFile]);
    const generated = join(folder, 'millrace', 'flat');
    for (const file of readdirSync(generated)) {
      const script = scriptOf(readFileSync(join(generated, file), 'utf8'));
      writeFileSync(join(generated, file.replace(/\.ts$/, '.mjs')), script);
    }
    const schema = { flatbuffers: (await import(library)).default };
    for (const file of readdirSync(generated).filter((name) => name.endsWith('.mjs'))) {
      Object.assign(schema, await import(pathToFileURL(join(generated, file)).href));
    }
    return schema;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
