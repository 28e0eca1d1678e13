import {describeOrigin, showKey, type SeenSetting, httpSettings} from '../git/seen-settings.ts';
import {lowerAscii} from '../organization/organization.ts';
import {isServicesSshHost, parseSshRemote, repositoryAt, toHttpsRemote} from '../organization/ssh-remote.ts';
import {printable} from '../text/printable.ts';
import {showAddress} from '../text/show-address.ts';
import {Redactor} from './redact.ts';
import {lookFor, takeOut, takeOutValue} from './repair-setting.ts';
import type {Blamed} from './blame.ts';
import type {World} from './world.ts';

interface FailedRun {
  /** As it was given; it may hold a login. */
  readonly url: string;
  readonly said: string;
  readonly world: Pick<World, 'settings' | 'environment'>;
}

interface Explained {
  readonly detail: string;
  readonly repair: string | undefined;
}

/** Explains why git failed, in git's own words if no better ones are known. `undefined` repair: none is known. */
export function explainGit(run: FailedRun): Explained {
  const {detail, repair} = explainWords(run);
  return {detail, repair: /^orgkey: error: /m.test(run.said) ? repair : (overHttps(run.url) ?? repair)};
}

/** Outside submodules orgkey has no part in ssh. `undefined`: it is not the URL of a repository on the services' host. */
function overHttps(url: string): string | undefined {
  const remote = parseSshRemote(url);
  if (remote === undefined || !isServicesSshHost(lowerAscii(remote.host))) return undefined;
  const repository = repositoryAt(remote);
  return repository.kind === 'repository'
    ? `use the URL that orgkey serves: ${toHttpsRemote(repository)}`
    : undefined;
}

function explainWords(run: FailedRun): Explained {
  const said = mask(run.said, run.url);
  for (const [pattern, explain] of RULES) {
    const found = pattern.exec(said);
    if (found !== null) return explain(found, run, said);
  }
  return {detail: lastWords(said), repair: undefined};
}

/** Says what git succeeds without, and how to remove it. */
export function explainBlamed(
  blamed: Blamed,
  detail: string,
  settings: readonly SeenSetting[],
): {readonly detail: string; readonly repair: string} {
  if (blamed.kind === 'variable')
    return {
      detail: `${detail}; without the variable ${blamed.name} it works`,
      repair: `unset ${blamed.name}`,
    };
  const {setting} = blamed;
  const shown = printable(showKey(setting.key), 200);
  return {
    detail: `${detail}; without ${shown} it works (${describeOrigin(setting)})`,
    repair: repairBlamed(setting, settings),
  };
}

/** Removes this one line: the file may set the same key to other values, too. */
function repairBlamed(setting: SeenSetting, settings: readonly SeenSetting[]): string {
  if (/^[\w./:+~-]*$/.test(setting.value)) return takeOutValue(setting);
  const isAlone = settings.every(
    (other) => other === setting || other.key !== setting.key || other.origin !== setting.origin,
  );
  return isAlone ? takeOut(setting) : lookFor(setting);
}

/** Removes logins from what git printed, also those of the URL itself. */
function mask(text: string, url: string): string {
  const hidden = showAddress(url, 'remote').hidden.filter((part) => part.length >= SHORTEST);
  let safe = new Redactor(hidden).text(text);
  for (const part of hidden.toSorted((one, other) => other.length - one.length))
    if (part.length < 8) safe = safe.replaceAll(part, '[redacted]');
  return safe;
}

/** Shorter parts, in UTF-16 code units, are parts of ordinary words. */
const SHORTEST = 4;

type Rule = readonly [RegExp, (found: RegExpExecArray, run: FailedRun, said: string) => Explained];

/** What git and its helpers print, the closest cause first. */
const RULES: readonly Rule[] = [
  // the check of the daemon names the cause, and a start may have failed already
  [
    /^orgkey: error: (the orgkey daemon does not answer)$/m,
    ([, error = '']) => ({detail: error, repair: undefined}),
  ],
  [
    /^orgkey: error: (.*)$/m,
    ([, error = ''], _run, said) => ({
      detail: printable(error),
      repair: hintsIn(said) ?? 'orgkey logs',
    }),
  ],
  [/detected dubious ownership in repository at '([^']*)'/, (found) => dubious(found[1] ?? '')],
  [
    /(?:Could not resolve proxy|Failed to connect to \S+ port \d+|CONNECT|Proxy|proxy)[^\n]*/,
    ([words], run) => explainConnection(words, run),
  ],
  [
    /Could not resolve host(?:name)?:? ([\w.-]+)/i,
    ([, host = '']) => ({
      detail: `git cannot resolve the name ${printable(host, 100)}`,
      repair: 'check the DNS of this machine, or set https_proxy',
    }),
  ],
  [/(?:certificate|CAfile|CApath|SSL|TLS)[^\n]*/, ([words], run) => explainCertificate(words, run)],
  [
    /could not read (?:Username|Password) for [^\n]*/,
    ([words]) => ({
      detail: `no helper has a credential: ${printable(words, 200)}`,
      repair: undefined,
    }),
  ],
  [
    /Authentication failed for [^\n]*/,
    ([words], {url}) => ({
      detail: printable(words, 200),
      repair: hasLogin(url) ? withoutLogin(url) : undefined,
    }),
  ],
  [
    /requested URL returned error: ((?:429|5\d\d)\b[^\n]*)/,
    ([, status = '']) => ({
      detail: `Azure DevOps limits requests or is not available (HTTP ${printable(status, 60)})`,
      repair: 'wait some minutes, then try again; for outages see https://status.dev.azure.com',
    }),
  ],
  [
    /(?:remote-https|remote helper)[^\n]*/i,
    ([words]) => ({
      detail: `this git cannot use https: ${printable(words, 150)}`,
      repair: 'install a complete git, with its https helper (git-remote-https)',
    }),
  ],
  [
    /Permission denied \([^)]*publickey[^\n]*/,
    ([words]) => ({
      detail: `the ssh host rejects your own key: ${printable(words, 150)}`,
      repair: undefined,
    }),
  ],
];

export function dubious(directory: string): {readonly detail: string; readonly repair: string} {
  const path = printable(directory, 4096);
  return {
    detail: `git does not use this repository, because another user owns it: ${path}`,
    repair: /^[\w./@+-]+$/.test(path)
      ? `git config --global --add safe.directory ${path}`
      : 'add it to safe.directory in your global configuration, if you trust its owner',
  };
}

function hintsIn(said: string): string | undefined {
  const hints = [...said.matchAll(/^orgkey: hint: (.*)$/gm)].map(([, hint = '']) =>
    printable(hint.replace(/^run: /, '')),
  );
  const useful = hints.filter((hint) => !/^orgkey doctor\b/.test(hint));
  return useful.length === 0 ? undefined : useful.join('\n');
}

function explainConnection(words: string, run: FailedRun): Explained {
  const proxy = settingFor('proxy', run);
  const variable = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].find(
    (name) => run.world.environment[name],
  );
  const said = printable(words, 200);
  if (proxy !== undefined && proxy.value !== '')
    return {
      detail: `git fails at its proxy ${printable(showAddress(proxy.value, 'server').shown, 80)} (${describeOrigin(proxy)}): ${said}`,
      repair: takeOut(proxy),
    };
  if (variable !== undefined)
    return {
      detail: `git fails at the proxy of ${variable}: ${said}`,
      repair: `correct ${variable}, or add the host to no_proxy`,
    };
  return {detail: said, repair: 'check the network of this machine, or set https_proxy'};
}

function explainCertificate(words: string, run: FailedRun): Explained {
  const detail = `git does not trust the certificate: ${printable(words, 200)}`;
  const {environment} = run.world;
  if (environment['GIT_SSL_CAINFO'])
    return {
      detail: `${detail} (GIT_SSL_CAINFO names ${printable(environment['GIT_SSL_CAINFO'], 150)})`,
      repair: 'correct GIT_SSL_CAINFO',
    };
  const file = settingFor('sslcainfo', run) ?? settingFor('sslcapath', run);
  const ours = environment['NODE_EXTRA_CA_CERTS'];
  const known = ours !== undefined && /^\/[\w./-]+$/.test(ours) ? ours : undefined;
  if (known !== undefined && (file === undefined || file.scope === 'global'))
    return {
      detail: file === undefined ? detail : `${detail} (${describeOrigin(file)})`,
      repair: `git config --global ${file === undefined ? 'http.sslCAInfo' : showKey(file.key)} ${known}`,
    };
  if (file !== undefined) return {detail: `${detail} (${describeOrigin(file)})`, repair: takeOut(file)};
  return {
    detail,
    repair: 'set http.sslCAInfo to the file with your certificate authority',
  };
}

function settingFor(wanted: string, {url, world}: FailedRun): SeenSetting | undefined {
  return httpSettings(wanted, url, world.settings).at(-1);
}

export function hasLogin(url: string): boolean {
  return /^https?:\/\/[^/?#]*:[^/?#]*@/i.test(url) || /^https?:\/\/[^/]*@/i.test(url);
}

export function withoutLogin(url: string): string {
  const {shown} = showAddress(url, 'remote');
  return `use the URL without the login: ${shown}\nand revoke the password, which others may have read`;
}

export function wordsOf(said: string, url: string): string {
  return lastWords(mask(said, url));
}

function lastWords(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /^(?:fatal|error|ssh|remote): /.test(line));
  return printable(fatal ?? lines.at(-1) ?? 'git printed no reason', 300);
}
