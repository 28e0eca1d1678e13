import {generateKeyPair, type KeyObject} from 'node:crypto';
import {promisify} from 'node:util';

/** A key pair costs more than all else at the start, so the clouds of one process share two. */
let keys: Promise<[KeyObject, KeyObject]> | undefined;

export function sharedRsaKeys(): Promise<[KeyObject, KeyObject]> {
  keys ??= Promise.all([createRsaKey(), createRsaKey()]);
  return keys;
}

export async function createRsaKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', {modulusLength: 2048})).privateKey;
}
