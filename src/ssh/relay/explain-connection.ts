import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {describeHostKey, typeOfBlob} from '../host/host-keys.ts';
import {SshFailure, USE_PROXY} from '../ssh-failure.ts';
import {isRevoked, type SshTarget} from './ssh-target.ts';

/** An error of ssh2. Its `level` and its texts are stable enough to tell errors apart. */
interface LibraryError extends Error {
  readonly level?: string;
}

/** How far a connection came. */
interface Progress {
  /** The key that the host showed. */
  readonly shown: Buffer | undefined;
  /** The host accepted our key. */
  readonly ready: boolean;
}

/** Returns what an error of ssh2 means, and how to repair it. */
export function explainError(error: LibraryError, target: SshTarget, {shown, ready}: Progress): SshFailure {
  if (/Host denied/.test(error.message) && shown !== undefined) return explainHostKey(shown, target);
  if (/no matching/.test(error.message)) return explainAlgorithms(error, target);
  if (error.level === 'client-authentication')
    return new SshFailure(
      'ERR_KEY_REFUSED',
      `${target.host} rejects the key of ${target.owner} (${target.key.fingerprint})`,
      {cause: error, hints: [target.advice]},
    );
  if (error.level === 'client-timeout' || ready || error.level === 'client-socket')
    return explainEnd(target, {shown, ready}, error);
  if (/Connection lost before handshake/.test(error.message))
    return new SshFailure('ERR_ENDED_EARLY', `${target.host} ended the connection before it said anything`, {
      cause: error,
      hints: [USE_PROXY],
    });
  return new SshFailure(
    'ERR_SSH_PROTOCOL',
    `${target.host} violates the ssh protocol: ${printable(error.message, 120)}`,
    {cause: error},
  );
}

/** Returns why a connection ended early. */
export function explainEnd({host}: SshTarget, {shown, ready}: Progress, cause?: Error): SshFailure {
  if (shown === undefined)
    return new SshFailure('ERR_ENDED_EARLY', `${host} ended the connection during the handshake`, {
      cause,
      hints: [USE_PROXY],
    });
  return ready
    ? new SshFailure('ERR_CONNECTION_LOST', `${host} ended the connection before git was done`, {
        cause,
        hints: ['try again'],
      })
    : new SshFailure('ERR_CONNECTION_LOST', `${host} ended the connection during the handshake`, {cause});
}

/** Returns why our key did not sign: not the host's fault, whatever ssh2 says. */
export function explainSignature(cause: unknown, {owner}: SshTarget): SshFailure {
  if (cause instanceof SshFailure) return cause;
  return new SshFailure('ERR_KEY_HOLDER', `the key of ${owner} cannot sign`, {
    cause,
    hints: ['check it: orgkey ssh-key list'],
  });
}

function explainAlgorithms(cause: Error, {host}: SshTarget): SshFailure {
  if (/no matching host key format/.test(cause.message))
    return new SshFailure('ERR_SHA1_ONLY', `${host} signs only with SHA-1, which can be forged`, {
      cause,
      hints: ['update its ssh server: it must support rsa-sha2-256, rsa-sha2-512, ecdsa-sha2 or ed25519'],
    });
  const what = printable(cause.message.replace(/^.*: /, ''), 80);
  return new SshFailure(
    'ERR_NO_COMMON_ALGORITHM',
    `${host} and orgkey have no algorithm in common (${what})`,
    {
      cause,
      hints: ['update its ssh server: it supports only algorithms that are not safe'],
    },
  );
}

/** As conspicuous as OpenSSH's warning: the user must not overlook it. */
function explainHostKey(shown: Buffer, target: SshTarget): SshFailure {
  const {host, hostKeys} = target;
  const key = describeHostKey({type: typeOfBlob(shown) ?? 'unknown', blob: shown});
  if (isRevoked(shown, target))
    return new SshFailure('ERR_HOST_KEY_REVOKED', `${host} shows a revoked host key: ${key}`, {
      hints: ['nothing was sent: ask the administrator of the host, this may be a man-in-the-middle attack'],
    });
  const pinned = hostKeys.filter(({revoked}) => !revoked).map((known) => describeHostKey(known));
  const authority = isServicesSshHost(host) ? 'Microsoft' : 'its administrator';
  return new SshFailure(
    'ERR_HOST_KEY_CHANGED',
    `THE HOST KEY OF ${host} HAS CHANGED, nothing was sent to it`,
    {
      hints: [
        'this may be a man-in-the-middle attack, or the host has a new key',
        `it shows ${key}, pinned is ${pinned.join(' or ')}`,
        `if ${authority} confirms the new key: ${target.howToPin}`,
      ],
    },
  );
}
