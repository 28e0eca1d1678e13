import {readFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {describeOrigin, partsOfKey, showKey, type SeenSetting, httpSettings} from './seen-settings.ts';
import type {Setting} from './setting.ts';
import {printable} from '../text/printable.ts';

/**
 * Returns the setting that makes git send an Authorization header of its own to a URL, beside orgkey or instead of it.
 * An empty value drops the ones before it.
 */
export function ownHeaderFor(url: string, settings: readonly SeenSetting[]): SeenSetting | undefined {
  const headers = httpSettings('extraheader', url, settings);
  return headers.slice(headers.findLastIndex(({value}) => value === '') + 1).findLast(isAuthorization);
}

export function isAuthorization({value}: Pick<Setting, 'value'>): boolean {
  return /^\s*(?:proxy-)?authorization\s*:/i.test(value);
}

/**
 * Describes a header of git's own without its value: key, scope, file and line. `directory`: where git read the
 * settings, because it names the files of a repository relative to that.
 */
export async function describeHeader(setting: SeenSetting, directory: string): Promise<string> {
  const key = printable(showKey(setting.key), 200);
  if (!setting.origin.startsWith('file:')) return `${key}: ${describeOrigin(setting)}`;
  const path = resolve(directory, setting.origin.slice('file:'.length));
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return `${key}: ${describeOrigin(setting)}`;
  const line = findLine(text, setting);
  const where = describeOrigin({...setting, origin: `file:${path}`});
  return line === undefined ? `${key}: ${where}` : `${key}: ${where}, line ${line}`;
}

/** Returns the number of the last line with this setting in the text of a configuration file of git. */
function findLine(text: string, {key, value}: Setting): number | undefined {
  const {section, between, name} = partsOfKey(key);
  let isInside = false;
  let found: number | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const {header, rest} = splitLine(line);
    if (header !== undefined) isInside = header.section === section && header.between === between;
    const pair = /^\s*([A-Za-z][\w-]*)\s*=\s*"?(.*?)"?\s*$/.exec(rest);
    if (isInside && pair?.[1]?.toLowerCase() === name && pair[2] === value) found = at + 1;
  }
  return found;
}

/** A setting may follow its section in the same line. */
function splitLine(line: string): {
  readonly header?: {readonly section: string; readonly between: string | undefined};
  readonly rest: string;
} {
  const found = /^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line);
  if (found === null) return {rest: line};
  const [whole, section = '', between] = found;
  return {
    header: {section: section.toLowerCase(), between: between?.replaceAll(/\\(.)/g, '$1')},
    rest: line.slice(whole.length),
  };
}
