import {once} from 'node:events';
import type {Duplex} from 'node:stream';

import ssh2, {type ServerHostKeyAlgorithm} from 'ssh2';

import type {Route} from '../grant/choose-route.ts';
import {dial, type Destination} from '../relay/dial.ts';
import {KEY_EXCHANGES} from '../relay/limit-host.ts';
import {typeOfBlob, type HostKey} from './host-keys.ts';
import {SshFailure} from '../ssh-failure.ts';
import type {Environment} from '../../text/environment.ts';

/**
 * Returns the keys that a host shows, one of each kind, for the user to compare and pin. The host proves that it has
 * their private halves; only the user can tell whether it is the right host. The signal ends it.
 * @throws {SshFailure}
 */
export async function fetchHostKeys(
  destination: Destination,
  route: Route,
  environment: Environment,
  signal: AbortSignal,
): Promise<HostKey[]> {
  const keys: HostKey[] = [];
  for (const algorithms of KINDS) {
    const {stream} = await dial(destination, route, environment, signal);
    try {
      const key = await shownKey(stream, algorithms, signal);
      if (key !== undefined) keys.push(key);
    } finally {
      stream.destroy();
    }
  }
  if (keys.length === 0)
    throw new SshFailure('ERR_SSH_PROTOCOL', `${destination.host} shows no host key that is safe to use`, {
      hints: ['check that it is an ssh server, and less than ten years old'],
    });
  return keys;
}

const KINDS: readonly ServerHostKeyAlgorithm[][] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
];

/** Connects until the key exchange ends, which checks the host's signature. `undefined`: the host has no such key. */
async function shownKey(
  stream: Duplex,
  serverHostKey: ServerHostKeyAlgorithm[],
  signal: AbortSignal,
): Promise<HostKey | undefined> {
  const client = new ssh2.Client();
  let blob: Buffer | undefined;
  client.on('error', () => stream.destroy());
  const proved = once(client, 'handshake', {signal}).then(
    () => true,
    () => false,
  );
  const closed = once(stream, 'close', {signal}).then(
    () => false,
    () => false,
  );
  client.connect({
    sock: stream,
    username: 'git',
    authHandler: [],
    hostVerifier: (shown: Buffer) => {
      blob = shown;
      return true;
    },
    algorithms: {serverHostKey, kex: [...KEY_EXCHANGES]},
    readyTimeout: 0,
  });
  if (!(await Promise.race([proved, closed])) || blob === undefined) return undefined;
  const type = typeOfBlob(blob);
  return type === undefined ? undefined : {type, blob, revoked: false};
}
