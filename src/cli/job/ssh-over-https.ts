import type {Setting} from '../../git/setting.ts';
import {organizationFrom} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {SERVICES_SSH_HOSTS} from '../../organization/ssh-remote.ts';
import {printable} from '../../text/printable.ts';
import {decodeOnce} from '../../text/decode-once.ts';
import {usageError} from '../command-error.ts';

/**
 * Returns the settings with which git fetches the SSH addresses of a project over HTTPS, as submodules have them: a job
 * then needs no SSH key. `word`: ORGANIZATION/PROJECT. @throws {CommandError}
 */
export function settingsOverHttps(word: string): Setting[] {
  const [, first = '', second = ''] = /^([^/]+)\/([^/]+)$/.exec(word) ?? [];
  const organization = organizationFrom(first);
  if (organization === undefined || second === '')
    throw usageError(
      `--over-https takes ORGANIZATION/PROJECT, not ${printable(word, 100)}`,
      'write, for example, contoso/Web',
    );
  const project = decodeOnce(second) ?? second;
  const base = `https://${SERVICES_HOST}/${encodeURIComponent(first)}/${encodeURIComponent(project)}/_git/`;
  const paths = [...new Set([second, project, encodeURIComponent(project)])].map(
    (name) => `v3/${first}/${name}/`,
  );
  const [host, oldHost] = SERVICES_SSH_HOSTS;
  const prefixes = [`git@${host}`, `${first}@${oldHost}`].flatMap((login) => [
    `${login}:`,
    `ssh://${login}/`,
    `ssh://${login}:22/`,
  ]);
  return paths.flatMap((path) =>
    prefixes.map((prefix) => ({key: `url.${base}.insteadOf`, value: `${prefix}${path}`})),
  );
}
