import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {absoluteVariable} from '../../places/absolute-variable.ts';
import {partsOfKey, type SeenSetting} from '../../git/seen-settings.ts';
import {Bindings} from '../../identity/bindings.ts';
import {ownerOf} from '../../organization/owner.ts';
import type {Remote} from '../../organization/remote.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';
import type {Environment} from '../../text/environment.ts';

const {warning} = diagnosticsOf('git');

/**
 * Checks the files of git's `store` for logins of our organizations. Git sends such a login first if it asks `store`
 * before orgkey, as it does for an unusual spelling, and it may have been a secret that orgkey replaced.
 */
export async function checkStoredLogins({
  settings,
  loaded,
  environment,
}: Pick<World, 'settings' | 'loaded' | 'environment'>): Promise<readonly Diagnostic[]> {
  if (loaded.kind !== 'loaded') return [];
  const bindings = new Bindings(loaded.configuration.bindings);
  const found: Diagnostic[] = [];
  for (const file of filesOfStore(settings, environment)) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const logins = text
      .split('\n')
      .map((line, index) => ({number: index + 1, remote: remoteIn(line)}))
      .flatMap(({number, remote}) =>
        remote !== undefined && isOurs(remote, bindings) ? [{number, remote}] : [],
      );
    if (logins.length > 0) found.push(warningOf(file, logins));
  }
  return found;
}

function isOurs(remote: Remote, bindings: Bindings): boolean {
  const owner = ownerOf(remote, bindings.serversAt);
  // without a path it is for every organization
  if (owner.kind === 'unnamed') return true;
  const choice = bindings.choose(owner);
  return choice.kind === 'chosen' && choice.binding.identity.kind !== 'stored';
}

/** Returns the files that each configured `store` reads, in git's order. */
function filesOfStore(settings: readonly SeenSetting[], environment: Environment): Set<string> {
  const home = environment['HOME'] ?? '';
  const configuration = absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? join(home, '.config');
  const usual = [join(home, '.git-credentials'), join(configuration, 'git/credentials')];
  return new Set(
    settings.filter(isStore).flatMap(({value}) => {
      const [, quoted, plain] = /\s--file[=\s]+(?:['"]([^'"]*)['"]|(\S+))/.exec(value) ?? [];
      const named = quoted ?? plain;
      return named === undefined ? usual : [named.replace(/^~(?=\/)/, home)];
    }),
  );
}

function isStore({key, value}: SeenSetting): boolean {
  const {section, name} = partsOfKey(key);
  return section === 'credential' && name === 'helper' && /^store(?:\s|$)/.test(value);
}

/** Returns the remote of a line, without its login: `https://user:password@host/path`. */
function remoteIn(line: string): Remote | undefined {
  const [, protocol = '', username = '', host = '', path] =
    /^([a-z]+):\/\/([^:@/]*)(?::[^@/]*)?@([^/]+)(?:\/(.*))?$/.exec(line) ?? [];
  if (host === '') return undefined;
  try {
    const decoded = path === undefined || path === '' ? undefined : decodeURIComponent(path);
    return {protocol, host: decodeURIComponent(host), path: decoded, username: decodeURIComponent(username)};
  } catch {
    return undefined;
  }
}

/** The repair names paths, never user names, which may be tokens. */
function warningOf(
  file: string,
  logins: readonly {readonly number: number; readonly remote: Remote}[],
): Diagnostic {
  const lines = logins.map(({number}) => number).slice(0, 5);
  const commands = logins.slice(0, 5).map(({remote: {protocol, host, path}}) => {
    const attributes = [
      `protocol=${protocol}`,
      `host=${host}`,
      ...(path === undefined ? [] : [`path=${path}`]),
    ];
    const words = attributes.map(shellWord).join(' ');
    return `printf '%s\\n' ${words} | git credential-store --file ${shellWord(file)} erase`;
  });
  return warning(
    'stored logins',
    `${printable(file, 200)} holds ${logins.length === 1 ? 'a login' : `${logins.length} logins`} for organizations of orgkey (line ${lines.join(', ')}${logins.length > lines.length ? ', …' : ''})`,
    [...new Set(commands)].join('\n'),
  );
}
