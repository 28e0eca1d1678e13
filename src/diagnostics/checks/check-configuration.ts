import {adviceOn} from '../../config/advise.ts';
import type {Problem} from '../../config/configuration.ts';
import {wideSockets} from '../../config/wide-sockets.ts';
import {whyUnsafe} from '../../files/read-protected-file.ts';
import {stat} from 'node:fs/promises';
import {whetherItTakesBearer} from '../../git/version.ts';
import {pathsIn} from '../../places/paths.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';
import {countOf} from '../../text/count-of.ts';

const {ok, skipped, warning, failed} = diagnosticsOf('configuration');

/** Checks that the configuration is valid, that only we may write it, and that the daemon uses it. */
export async function checkConfiguration({
  loaded,
  uid,
  daemon,
  git,
}: Pick<World, 'loaded' | 'uid' | 'daemon' | 'git'>): Promise<readonly Diagnostic[]> {
  const status = daemon.kind === 'running' ? daemon.status : undefined;
  if (loaded.kind === 'invalid')
    return [
      ...loaded.problems.map((problem) => diagnosticOf(problem, status?.configuration.source)),
      ...(status === undefined ? [] : [skipped('daemon', 'not checked: the configuration is invalid')]),
    ];
  const {source, bindings, warnings, problems} = loaded.configuration;
  const inDaemonToo = new Set(status?.configuration.problems.map(({place}) => place));
  const advice = adviceOn(bindings, {takesBearer: await whetherItTakesBearer(git)});
  const own =
    source === 'none' || bindings.length === 0
      ? [failed('file', 'no credential is configured', 'orgkey setup')]
      : [ok('file', `${source}: ${countOf(bindings.length, 'credential')}`)];
  return [
    ...own,
    ...problems.map((problem) => diagnosticOf(problem, undefined)),
    ...[
      // what the daemon rejects at the same place is a failure below
      ...warnings.filter(({place}) => !inDaemonToo.has(place)),
      ...advice,
      ...wideSockets(loaded.configuration),
    ].map(({place, message, hint}) => warning('file', `${place}: ${message}`, hint ?? 'orgkey config edit')),
    ...(source.startsWith('/') ? await checkModes(pathsIn(source), uid) : []),
    ...inDaemon(status, source.startsWith('/') ? [source] : [], problems),
  ];
}

/** `served`: the file that the daemon still serves, which it has kept if the file was deleted. */
function diagnosticOf({place, message, hint}: Problem, served: string | undefined): Diagnostic {
  const isGone = place === served && message === 'the configuration does not exist';
  const repair = isGone ? 'orgkey config restore' : 'orgkey config edit';
  return failed('file', `${place}: ${message}`, hint ?? repair);
}

/** Any user who can write the file decides what orgkey runs. Loading it has checked who may read its secrets. */
async function checkModes(paths: readonly string[], uid: number): Promise<Diagnostic[]> {
  return (await Promise.all(paths.map((path) => checkMode(path, uid)))).flat();
}

async function checkMode(source: string, uid: number): Promise<Diagnostic[]> {
  const {uid: owner, mode} = await stat(source);
  const problem = whyUnsafe({path: source, owner, mode: mode & 0o7777}, {uid, holdsSecret: false});
  return problem === undefined
    ? [ok('modes', `${(mode & 0o7777).toString(8).padStart(4, '0')}, writable by you and root only`)]
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
  seen: readonly Problem[],
): Diagnostic[] {
  if (status === undefined) return [];
  const {source, problems} = status.configuration;
  const own = new Set(seen.map(({place, message}) => `${place} ${message}`));
  const others = problems.filter(({place, message}) => !own.has(`${place} ${message}`));
  const failures = others.map(({place, message, hint}) =>
    failed('daemon', `the daemon rejects it: ${place}: ${message}`, repairInDaemon(message, hint)),
  );
  if (failures.length > 0) return failures;
  if (problems.length > 0) return [skipped('daemon', 'the daemon reports the same problems')];
  if (ours.length === 0 || ours.includes(source)) return [ok('daemon', 'the daemon uses it')];
  return [
    warning(
      'daemon',
      `the daemon uses another file: ${source}`,
      'start it with --config, or unset ORGKEY_CONFIG here',
    ),
  ];
}

/** The file is valid here: the daemon has other variables and rights, or has not read the file again. */
function repairInDaemon(message: string, hint: string | undefined): string {
  const isOfService = /variable|systemd credential/.test(message);
  const first = hint ?? (isOfService ? 'set the variables of this shell for the service, too' : undefined);
  return [...(first === undefined ? [] : [first]), 'orgkey config check'].join('\n');
}
