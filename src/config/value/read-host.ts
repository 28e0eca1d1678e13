import {lowerAscii, organizationFrom, type Organization} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';

/** What a configured host means. */
export type ConfiguredHost =
  | {readonly kind: 'services'}
  /** `{organization}.visualstudio.com`: the same services, one organization. */
  | {readonly kind: 'organization'; readonly organization: Organization}
  /** In lower case, without the default port. */
  | {readonly kind: 'server'; readonly host: string}
  /** `*`: every host that is not Azure DevOps. */
  | {readonly kind: 'any'}
  /** The message continues `host … `. */
  | {readonly kind: 'invalid'; readonly message: string; readonly hint: string | undefined};

/** Reads a host. None means dev.azure.com. Case is ignored, for ASCII only. */
export function readHost(text: string | undefined): ConfiguredHost {
  if (text === undefined) return {kind: 'services'};
  if (text === '*') return {kind: 'any'};
  const host = lowerAscii(text).replace(/:443$/, '');
  if (/^[a-z]+:\/\//.test(host))
    return invalid('must be a host name alone, without https:// and without a path');
  if (!HOST.test(host) || host.length > 253)
    return invalid('is not a valid host name', 'write it as in dev.azure.com or server.example.org:8443');
  if (host === SERVICES_HOST) return {kind: 'services'};
  const label = /^([^.]+)\.visualstudio\.com$/.exec(host)?.[1];
  if (label !== undefined && label !== 'vs-ssh' && label !== 'pkgs') {
    const organization = organizationFrom(label);
    return organization === undefined
      ? invalid('does not begin with the name of an organization')
      : {kind: 'organization', organization};
  }
  const name = host.replace(/:\d+$/, '');
  for (const domain of [SERVICES_HOST, 'visualstudio.com']) {
    if (name === domain || name.endsWith(`.${domain}`))
      return invalid(
        'is not a host of Azure DevOps that serves git',
        `for Azure DevOps Services write ${SERVICES_HOST}`,
      );
  }
  return {kind: 'server', host};
}

const HOST =
  /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)(?::[1-9]\d{0,4})?$/;

function invalid(message: string, hint?: string): ConfiguredHost {
  return {kind: 'invalid', message, hint};
}
