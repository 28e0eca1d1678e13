import {lowerAscii, organizationFrom, type Organization} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';

export type ConfiguredHost =
  | {readonly kind: 'services'}
  /** `{organization}.visualstudio.com`: the same services, one organization. */
  | {readonly kind: 'organization'; readonly organization: Organization}
  /** In lower case, without the default port; a virtual directory follows it as it was written. */
  | {readonly kind: 'server'; readonly host: string}
  /** `*`: every host that is not Azure DevOps. */
  | {readonly kind: 'any'}
  /** The message continues `host … `. */
  | {readonly kind: 'invalid'; readonly message: string; readonly hint: string | undefined};

/** Reads a host. None means dev.azure.com. Case is ignored, for ASCII only. */
export function readHost(text: string | undefined): ConfiguredHost {
  if (text === undefined) return {kind: 'services'};
  if (text === '*') return {kind: 'any'};
  if (/^[a-z]+:\/\//i.test(text)) return invalid('must be a host name, without https://');
  const [written = '', ...directories] = text.replace(/\/$/, '').split('/');
  const host = lowerAscii(written).replace(/:443$/, '');
  if (!HOST.test(host) || host.length > 253)
    return invalid('is not a valid host name', 'write it as in dev.azure.com or server.example.org:8443');
  if (directories.length > 0) return readDirectories(host, directories);
  if (host === SERVICES_HOST) return {kind: 'services'};
  const label = /^([^.]+)\.visualstudio\.com$/.exec(host)?.[1];
  if (label !== undefined && label !== 'vs-ssh' && label !== 'pkgs') {
    const organization = organizationFrom(label);
    return organization === undefined
      ? invalid('does not begin with the name of an organization')
      : {kind: 'organization', organization};
  }
  return isOfServices(host)
    ? invalid(
        'is not a host of Azure DevOps that serves git',
        `for Azure DevOps Services write ${SERVICES_HOST}`,
      )
    : {kind: 'server', host};
}

/** Servers have virtual directories, which their administrators name. */
function readDirectories(host: string, directories: readonly string[]): ConfiguredHost {
  if (isOfServices(host))
    return invalid('has a path, which only servers have', 'write the organization in organizations');
  return directories.every((name) => DIRECTORY.test(name))
    ? {kind: 'server', host: [host, ...directories].join('/')}
    : invalid('has an invalid virtual directory', 'write it as in server.example.org/devops');
}

const DIRECTORY = /^(?!\.+$)[A-Za-z0-9._~-]{1,64}$/;

function isOfServices(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return [SERVICES_HOST, 'visualstudio.com'].some((domain) => name === domain || name.endsWith(`.${domain}`));
}

const HOST =
  /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)(?::[1-9]\d{0,4})?$/;

function invalid(message: string, hint?: string): ConfiguredHost {
  return {kind: 'invalid', message, hint};
}
