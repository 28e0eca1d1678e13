import {readFile} from 'node:fs/promises';
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {ClaimError} from '../claim.ts';

/** The number of a group, given by name or number. @throws {ClaimError} where there is none. */
export async function groupNumber(group: string): Promise<number> {
  if (/^[0-9]{1,10}$/.test(group)) return Number(group);
  const entry = (await lines()).find((line) => line.startsWith(`${group}:`)) ?? (await ask(group));
  const number = entry?.split(':')[2];
  if (number === undefined || !/^[0-9]+$/.test(number)) {
    throw new ClaimError(`there is no group ${group}`, `make it, or name another one: groupadd ${group}`);
  }
  return Number(number);
}

async function lines(): Promise<string[]> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  return text.split('\n');
}

/** Groups that are kept elsewhere (LDAP, systemd-userdb) are known to getent only. */
async function ask(group: string): Promise<string | undefined> {
  const found = await promisify(execFile)('getent', ['group', group], {timeout: 2000}).catch(() => undefined);
  return found?.stdout.split('\n')[0];
}
