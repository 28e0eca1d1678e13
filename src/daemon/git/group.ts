import {readFile} from 'node:fs/promises';
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {TIME_BUDGET} from '../../time-budget.ts';
import {ClaimError} from '../claim.ts';

/** Returns the number of a group, given by name or number. @throws {ClaimError} if it does not exist. */
export async function groupNumber(group: string): Promise<number> {
  if (/^[0-9]{1,10}$/.test(group)) return Number(group);
  const entry =
    (await linesOfFile()).find((line) => line.startsWith(`${group}:`)) ?? (await entryFromGetent(group));
  const number = entry?.split(':')[2];
  if (number === undefined || !/^[0-9]+$/.test(number)) {
    throw new ClaimError(
      `the group ${group} does not exist`,
      `make it, or name another one: groupadd ${group}`,
    );
  }
  return Number(number);
}

async function linesOfFile(): Promise<string[]> {
  const text = await readFile('/etc/group', 'utf8').catch(() => '');
  return text.split('\n');
}

/** Finds groups that are not in the file (LDAP, systemd-userdb). */
async function entryFromGetent(group: string): Promise<string | undefined> {
  const options = {timeout: TIME_BUDGET.group};
  const found = await promisify(execFile)('getent', ['group', group], options).catch(() => undefined);
  return found?.stdout.split('\n')[0];
}
