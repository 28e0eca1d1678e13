import {readFileSync} from 'node:fs';

/** Set by the build. Sources read it from package.json. */
declare const ORGKEY_VERSION: string | undefined;

export const VERSION: string = typeof ORGKEY_VERSION === 'string' ? ORGKEY_VERSION : versionOfSources();

function versionOfSources(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? '0.0.0';
}
