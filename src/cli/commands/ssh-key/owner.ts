import {join} from 'node:path';
import {collectionFrom} from '../../../config/value/collection-name.ts';
import type {SubmoduleSettings} from '../../../config/configuration.ts';
import type {KeyOwner} from '../../../config/edit/edit-submodules.ts';
import {lowerAscii, organizationFrom} from '../../../organization/organization.ts';
import {SERVICES_HOST} from '../../../organization/owner.ts';
import {printable} from '../../../text/printable.ts';
import {type CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {keyDirectory} from '../../locate.ts';
import {nameTyped} from '../../organizations/named-organization.ts';

export interface KeyOptions extends Places {
  readonly organization: string;
}

/** The organization or collection that a key is for, and the file in which orgkey keeps the key. */
export interface Owner extends KeyOwner {
  /** As users type it. */
  readonly name: string;
  readonly path: string;
}

/** Understands `contoso`, its URL, or `tfs.example.org/main` with the SSH name of a server. @throws {CommandError} */
export function ownerOf(options: KeyOptions, context: Context): Owner {
  const typed = nameTyped(options.organization);
  const [, host, collection = ''] = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,252})\/(.*)$/.exec(typed) ?? [];
  const organization = host === undefined ? organizationFrom(typed) : collectionFrom(collection);
  const server = host === undefined ? undefined : lowerAscii(host);
  if (organization === undefined || server === SERVICES_HOST)
    throw usageError(
      `invalid organization name: ${printable(typed, 60)}`,
      'use ORGANIZATION, or SSH-HOST/COLLECTION for a server',
    );
  const directory = keyDirectory(options, context);
  return server === undefined
    ? {name: organization, organization, host: undefined, path: join(directory, organization)}
    : {
        name: `${server}/${organization}`,
        organization,
        host: server,
        path: join(directory, `${encodeURIComponent(organization)}@${server}`),
      };
}

export function rulesOf(
  {organization, host}: Owner,
  rules: readonly SubmoduleSettings[],
): SubmoduleSettings[] {
  return rules.filter(
    (rule) => rule.organizations.includes(organization) && (host === undefined || host === rule.host),
  );
}

/** Returns the error for a key that cannot be replaced or removed for this owner alone. */
export function sharedRule(name: string, {place, keyFile}: SubmoduleSettings): CommandError {
  const where = keyFile === undefined ? 'at its source' : `in ${printable(keyFile)}`;
  return usageError(
    `${name} shares its key: the rule at ${place} names other organizations too, or is one of several`,
    `replace the key ${where}, or give ${name} a rule of its own: orgkey config edit`,
  );
}
