import {createPublicKey} from 'node:crypto';
import {setTimeout as elapsed} from 'node:timers/promises';

import ssh2 from 'ssh2';

import type {AgentKeySource} from '../../config/configuration.ts';
import type {SignatureAlgorithm} from './algorithms.ts';
import {checkHalf, type KeyFailure, failed} from './private-key.ts';
import {publicHalfOf, type PublicHalf} from './public-half.ts';
import {SigningKey} from './signing-key.ts';

/** A key in an ssh-agent that is not ours: the user's own, or one in front of a hardware key. */
class AgentKey extends SigningKey {
  readonly #agent: ssh2.OpenSSHAgent;

  constructor(agent: ssh2.OpenSSHAgent, half: PublicHalf) {
    super(half);
    this.#agent = agent;
  }

  sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer> {
    const {promise, resolve, reject} = Promise.withResolvers<Buffer>();
    this.#agent.sign(this.publicBlob, Buffer.from(data), optionsFor(algorithm), (error, signature) => {
      if (signature === undefined) reject(error ?? new Error('the ssh-agent does not sign'));
      else resolve(signature);
    });
    return promise;
  }
}

/** Without an option, agents sign with SHA-1 if the key is RSA. */
function optionsFor(algorithm: SignatureAlgorithm): {readonly hash?: 'sha256' | 'sha512'} {
  if (algorithm === 'rsa-sha2-256') return {hash: 'sha256'};
  return algorithm === 'rsa-sha2-512' ? {hash: 'sha512'} : {};
}

/**
 * Looks for a key in an ssh-agent, which never gives the private half away. `host`, in lower case, is where the key
 * will be used.
 */
export async function findAgentKey(
  {socket, publicKey}: AgentKeySource,
  host: string,
): Promise<{readonly kind: 'key'; readonly key: SigningKey} | KeyFailure> {
  const half = readPublicLine(publicKey);
  if (half === undefined) return failed('publicKey is not a public key', 'copy a line of: ssh-add -L');
  const failure = checkHalf(half, host);
  if (failure !== undefined) return failure;
  const agent = new ssh2.OpenSSHAgent(socket);
  const blobs = await Promise.race([blobsIn(agent), elapsed(ANSWER_LIMIT, undefined, {ref: false})]);
  if (blobs === undefined)
    return failed(`no ssh-agent answers at ${socket}`, 'start it, or correct $agent in the configuration');
  if (!blobs.some((blob) => blob.equals(half.blob)))
    return failed(`the ssh-agent at ${socket} does not have the key`, 'add it: ssh-add KEY');
  return {kind: 'key', key: new AgentKey(agent, half)};
}

/** In milliseconds. */
const ANSWER_LIMIT = 5000;

/** Returns the public keys of an agent. `undefined`: it cannot be reached. */
function blobsIn(agent: ssh2.OpenSSHAgent): Promise<readonly Buffer[] | undefined> {
  const {promise, resolve} = Promise.withResolvers<readonly Buffer[] | undefined>();
  agent.getIdentities((error, keys) =>
    resolve(error ? undefined : keys?.flatMap((key) => ('getPublicSSH' in key ? [key.getPublicSSH()] : []))),
  );
  return promise;
}

function readPublicLine(line: string): PublicHalf | undefined {
  try {
    const parsed = ssh2.utils.parseKey(line);
    if (parsed instanceof Error || parsed.isPrivateKey()) return undefined;
    return publicHalfOf(createPublicKey(parsed.getPublicPEM()));
  } catch {
    return undefined;
  }
}
