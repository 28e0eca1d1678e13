import {randomBytes} from 'node:crypto';
import {lstat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {askSocket, isOrgkey} from '../../places/ask-socket.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {World} from '../world.ts';

const {ok, skipped, failed} = diagnosticsOf('daemon');

/** Checks owners and modes of the sockets and their directories, and which process listens. */
export async function checkSockets({
  daemon,
  uid,
}: Pick<World, 'daemon' | 'uid'>): Promise<readonly Diagnostic[]> {
  const {directory} = daemon;
  if (directory === undefined) return [skipped('sockets', 'the daemon does not run')];
  const sockets =
    daemon.kind === 'running' ? daemon.status.sockets.map(({path}) => path) : [join(directory, 'git.sock')];
  const directories = new Set([directory, ...sockets.map((path) => dirname(path))]);
  const found = [
    ...(await Promise.all([...directories].map((path) => checkPassage(path, uid)))),
    await checkPrivate(join(directory, 'control'), uid),
    await checkPrivate(join(directory, 'ssh'), uid),
    ...(await Promise.all(sockets.map((path) => checkListener(path, daemon, uid)))),
  ].filter((one) => one !== undefined);
  const names = sockets.map((path) => path.slice(directory.length + 1)).toSorted();
  return found.length === 0
    ? [ok('sockets', `${names.join(', ')}: owners, modes and listeners are correct`)]
    : found;
}

/** Other users may pass through these directories, but only we and root may write to them. */
async function checkPassage(path: string, uid: number): Promise<Diagnostic | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  const shown = printable(path, 200);
  if (facts === undefined) return failed('sockets', `${shown} cannot be reached`, 'orgkey service restart');
  if (!facts.isDirectory())
    return failed('sockets', `${shown} is not a directory`, `rm ${shellWord(path)}; orgkey service restart`);
  if (facts.uid !== uid && facts.uid !== 0)
    return isSystemDirectory(path)
      ? undefined
      : failed(
          'sockets',
          `${shown} belongs to another user (uid ${facts.uid})`,
          'set ORGKEY_RUNTIME_DIR to your own directory',
        );
  if ((facts.mode & 0o022) !== 0)
    return failed('sockets', `others may write to ${shown}`, `chmod go-w ${shellWord(path)}`);
  // in a private directory git's own cache daemon would start and take the path
  if ((facts.mode & 0o077) === 0)
    return failed(
      'sockets',
      `git's own cache daemon could start in ${shown} (mode 0700)`,
      `chmod 0711 ${shellWord(path)}`,
    );
  return undefined;
}

/** The system service's user owns the directories there. */
function isSystemDirectory(path: string): boolean {
  return path === '/run/orgkey' || path.startsWith('/run/orgkey/');
}

async function checkPrivate(path: string, uid: number): Promise<Diagnostic | undefined> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || (facts.uid !== uid && uid !== 0)) return undefined;
  return facts.isDirectory() && (facts.mode & 0o077) === 0
    ? undefined
    : failed('sockets', `others may enter ${printable(path, 200)}`, `chmod 0700 ${shellWord(path)}`);
}

async function checkListener(
  path: string,
  daemon: World['daemon'],
  uid: number,
): Promise<Diagnostic | undefined> {
  const shown = printable(path, 200);
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined || !facts.isSocket())
    return failed('sockets', `${shown} is not a socket`, 'orgkey service restart');
  if ((facts.mode & 0o006) !== 0 && !isScoped(path, daemon))
    return failed('sockets', `any user may connect to ${shown}`, `chmod o-rw ${shellWord(path)}`);
  const answer = await askSocket(path, `action=hello\ntimeout=0\nnonce=${randomBytes(16).toString('hex')}\n`);
  if (answer.kind === 'absent')
    return failed('sockets', `no process listens on ${shown}`, 'orgkey service start');
  if (answer.kind === 'silent')
    return failed(
      'sockets',
      `the process that listens on ${shown} does not answer`,
      'orgkey service restart',
    );
  // askSocket reports a connection that we may not make as an empty answer
  if (!isOrgkey(answer)) return otherListener(shown, uid !== 0 && facts.uid !== uid && answer.text === '');
  const pid = /^pid=([0-9]+)$/m.exec(answer.text)?.[1];
  if (daemon.kind === 'running' && pid !== undefined && Number(pid) !== daemon.status.pid)
    return failed(
      'sockets',
      `a second daemon listens on ${shown} (pid ${pid})`,
      `kill ${pid}; orgkey service restart`,
    );
  return undefined;
}

function otherListener(shown: string, isClosedToUs: boolean): Diagnostic {
  return isClosedToUs
    ? failed(
        'sockets',
        `we may not connect to ${shown}`,
        'usermod --append --groups orgkey USER\nthen sign in to this machine again',
      )
    : failed(
        'sockets',
        `another program listens on ${shown}, maybe git's own cache daemon`,
        'orgkey service restart',
      );
}

/** The configuration may open a scoped socket to all users. */
function isScoped(path: string, {kind}: World['daemon']): boolean {
  return kind === 'running' && /\/scoped\/[^/]+\/git\.sock$/.test(path);
}
