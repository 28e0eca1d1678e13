import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ClientScript} from '../src/places/client-scripts.ts';

const directory = join(import.meta.dirname, '../src/shell');
/** How a script of a checkout finds the fragments, although a link leads to it. */
const FINDS_FRAGMENTS = /^# the build replaces .*\n.*\n/m;
const FRAGMENT = /^\. "\$\{script%\/\*\}\/(.*)"\n/gm;

/** Returns a script as it is installed: one file, with the shared fragments in the place of the lines that read them. */
export function shellScript(name: ClientScript): string {
  const text = readFileSync(join(directory, name), 'utf8');
  if (!FINDS_FRAGMENTS.test(text)) throw new Error(`${name} reads no fragment`);
  return text.replace(FINDS_FRAGMENTS, '').replaceAll(FRAGMENT, (_, file: string) => fragment(file));
}

/** Without the comment at its beginning. */
function fragment(file: string): string {
  const text = readFileSync(join(directory, file), 'utf8');
  return text.slice(text.indexOf('\n\n') + 1);
}
