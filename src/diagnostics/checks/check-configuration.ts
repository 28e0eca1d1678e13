import {adviceOn} from '../../config/advise.ts';
import type {Problem} from '../../config/configuration.ts';
import {whyUnsafe} from '../../files/read-protected-file.ts';
import {stat} from 'node:fs/promises';
import {whetherItTakesBearer} from '../../git/version.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, warning, failed} = diagnosticsOf('configuration');

/** Checks that the configuration is valid, that only we may write it, and that the daemon uses it. */
export async function checkConfiguration({
  loaded,
  uid,
  daemon,
  git,
}: Pick<World, 'loaded' | 'uid' | 'daemon' | 'git'>): Promise<readonly Diagnostic[]> {
  const status = daemon.kind === 'running' ? daemon.status : undefined;
  if (loaded.kind === 'invalid')
    return [...loaded.problems.map((problem) => diagnosticOf(problem)), ...inDaemon(status, [])];
  const {source, bindings, warnings, problems} = loaded.configuration;
  const own =
    source === 'none' || bindings.length === 0
      ? [failed('file', 'no credential is configured', 'orgkey setup')]
      : [ok('file', `${source}: ${countOf(bindings.length, 'credential')}`)];
  return [
    ...own,
    ...problems.map((problem) => diagnosticOf(problem)),
    ...[...warnings, ...adviceOn(bindings, {takesBearer: await whetherItTakesBearer(git)})].map(
      ({place, message, hint}) => warning('file', `${place}: ${message}`, hint ?? 'orgkey config edit'),
    ),
    ...(source.startsWith('/') ? await checkModes(source, uid) : []),
    ...inDaemon(status, source.startsWith('/') ? [source] : []),
  ];
}

function diagnosticOf({place, message, hint}: Problem): Diagnostic {
  return failed('file', `${place}: ${message}`, hint ?? 'orgkey config edit');
}

/** Any user who can write the file decides what orgkey runs. Loading it has checked who may read its secrets. */
async function checkModes(source: string, uid: number): Promise<Diagnostic[]> {
  const {uid: owner, mode} = await stat(source);
  const problem = whyUnsafe({path: source, owner, mode: mode & 0o7777}, {uid, holdsSecret: false});
  return problem === undefined
    ? [ok('modes', `${(mode & 0o7777).toString(8).padStart(4, '0')}, only we and root may write it`)]
    : [
        failed(
          'modes',
          `the file ${problem.message}`,
          `${problem.hint ?? 'chmod go-w'} ${shellWord(source)}`,
        ),
      ];
}

/** Reports what the daemon says of its configuration: its variables, and maybe its file, differ from ours. */
function inDaemon(
  status:
    | {readonly configuration: {readonly source: string; readonly problems: readonly Problem[]}}
    | undefined,
  ours: readonly string[],
): Diagnostic[] {
  if (status === undefined) return [];
  const {source, problems} = status.configuration;
  const refused = problems.map(({place, message, hint}) =>
    failed(
      'daemon',
      `the daemon rejects it: ${place}: ${message}`,
      hint ?? 'if it uses variables that only this shell has, set them for the service',
    ),
  );
  if (refused.length > 0) return refused;
  if (ours.length === 0 || ours.includes(source)) return [ok('daemon', 'the daemon uses it')];
  return [
    warning(
      'daemon',
      `the daemon uses another file: ${source}`,
      'start it with --config, or unset ORGKEY_CONFIG here',
    ),
  ];
}

function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
