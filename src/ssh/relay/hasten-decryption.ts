import {createSecretKey} from 'node:crypto';

/**
 * Gives the library the key of its connection in the form in which it is used. ssh2 makes a decipher for each packet,
 * and Node finds out each time, by way of an exception, that a buffer is no key object: a quarter of what a relay costs.
 * Where ssh2 is built otherwise by then nothing happens but that; the answer says whether it did. After the host has
 * changed keys, which it does after many gigabytes, it is as without this.
 */
export function hastenDecryption(client: object): boolean {
  const decipher = memberOf(memberOf(client, '_protocol'), '_decipher');
  const key = memberOf(decipher, '_decipherKey');
  return (
    typeof decipher === 'object' &&
    decipher !== null &&
    key instanceof Uint8Array &&
    Reflect.set(decipher, '_decipherKey', createSecretKey(key))
  );
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
