import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/** Reads the variables of a user's service, `~/.config/orgkey/env`. A file that cannot be read counts as empty. */
export function readServiceVariables(home: string | undefined): Readonly<Record<string, string>> {
  if (home === undefined || home === '') return {};
  try {
    return parseVariables(readFileSync(join(home, '.config', 'orgkey', 'env'), 'utf8'));
  } catch {
    return {};
  }
}

/** Parses lines of `NAME=value` as systemd does: `#` and `;` begin comments, quotes around a value are dropped. */
function parseVariables(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const [, name, value = ''] = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, unquoted(value)]];
  });
  return Object.fromEntries(pairs);
}

function unquoted(value: string): string {
  const [, single, double] = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)")$/.exec(value) ?? [];
  return single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? value;
}
