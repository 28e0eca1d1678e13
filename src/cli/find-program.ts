import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseRecord} from '../text/record.ts';
import type {Program} from './context.ts';

/** Finds the parts of the running orgkey. `node`: the absolute path of Node. */
export async function findProgram(node: string): Promise<Program> {
  const folder = dirname(fileURLToPath(import.meta.url));
  // dist/ is flat and contains the scripts; a checkout has them in src/shell/
  const isInstalled = existsSync(join(folder, 'git-credential-orgkey'));
  const root = isInstalled ? folder : dirname(folder);
  const scripts = isInstalled ? folder : join(root, 'shell');
  const schema = join(root, 'config.schema.json');
  return {
    version: await readVersion(join(dirname(root), 'package.json')),
    node,
    main: join(root, isInstalled ? 'main.js' : 'main.ts'),
    helper: join(scripts, 'git-credential-orgkey'),
    sshWrapper: join(scripts, 'orgkey-ssh'),
    schema: existsSync(schema) ? schema : undefined,
  };
}

async function readVersion(path: string): Promise<string> {
  const version = parseRecord(await readFile(path, 'utf8'))?.['version'];
  return typeof version === 'string' ? version : 'unknown';
}
