'use strict';
// Reads and checks the inputs. Each wrong one is named, with its repair. YAML is left to orgkey.
const {existsSync} = require('node:fs');
const {isAbsolute, resolve} = require('node:path');
const {Refusal} = require('./platform.cjs');

const guid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Returns the checked inputs. `options` are those of `orgkey job start`. */
function readInputs(platform) {
  const input = (name) => platform.input(name);
  const shown = (name) => `the input ${platform.nameOf(name)}`;
  const list = (name) => (input(name) ?? '').split(/[\s,]+/).filter((word) => word !== '');

  const checked = (name, isRight, repair) => {
    const value = input(name);
    if (value !== undefined && !isRight(value))
      throw new Refusal(`${shown(name)} is not valid: ${value.slice(0, 80)}`, repair);
    return value;
  };
  const id = (name) =>
    checked(name, (value) => guid.test(value), 'give a GUID, as the Azure portal shows it');
  const yes = (name) => {
    const value = checked(name, (word) => /^(?:true|false)$/i.test(word), 'write true or false');
    return value !== undefined && value.toLowerCase() === 'true';
  };

  const configuration = checked(
    'configuration',
    (text) => /:/.test(text),
    'write the YAML of a configuration; the input for its path is configuration-file',
  );
  const file = checked(
    'configuration-file',
    (path) => existsSync(resolve(path)),
    'check out the repository before this step, or correct the path',
  );
  const organizations = list('organizations');
  const ways = {
    'client-id': id('client-id'),
    'service-connection': input('service-connection'),
    'managed-identity': checked(
      'managed-identity',
      (value) => value === 'system-assigned' || guid.test(value),
      'give a client ID, or system-assigned',
    ),
    'use-job-token': yes('use-job-token') ? 'true' : undefined,
  };
  const program = {
    path: checked(
      'path',
      (path) => isAbsolute(path) && existsSync(path),
      'give the absolute path of an installed orgkey',
    ),
    version: checked(
      'version',
      (value) => /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(value),
      'give a whole version, such as 0.1.0',
    ),
  };
  const written = [configuration, file].filter((one) => one !== undefined).length;
  if (written > 1)
    throw new Refusal(
      `${shown('configuration')} and ${shown('configuration-file')} exclude each other`,
      'give one of them',
    );
  if (written === 1 && (organizations.length > 0 || Object.values(ways).some((way) => way !== undefined)))
    throw new Refusal(
      'a configuration and the inputs of an organization exclude each other',
      'write all organizations into the configuration',
    );
  if (written === 0 && organizations.length === 0)
    throw new Refusal(
      `${shown('organizations')} is missing`,
      'name the organizations of Azure DevOps, such as contoso fabrikam, or give a configuration',
    );

  const common = {
    ...program,
    output: platform.output,
    overHttps: checkedList('over-https', list('over-https'), shown),
    removeHeaders: yes('remove-headers'),
    tools: yes('tools'),
    configurationFile: file === undefined ? undefined : resolve(file),
  };
  if (written === 1) return {...common, configuration, organizations, options: {}};
  if (ways['use-job-token'] !== undefined)
    return {...common, configuration: withJobToken(organizations), organizations: [], options: {}};
  return {...common, configuration, organizations, options: signIn(ways, {platform, shown, id})};
}

/** Returns the options for exactly one way to sign in. */
function signIn(ways, {platform, shown, id}) {
  const {'client-id': client, 'managed-identity': identity, 'service-connection': connection} = ways;
  const tenant = id('tenant-id');
  const given = [client, identity, connection].filter((way) => way !== undefined).length;
  if (given === 0)
    throw new Refusal(
      'no way to sign in is given',
      platform.output === 'azure-pipelines'
        ? 'give serviceConnection, managedIdentity or useJobToken'
        : 'give client-id and tenant-id of an application that trusts this repository, or managed-identity',
    );
  if (identity !== undefined) {
    if (connection !== undefined)
      throw new Refusal(
        `${shown('managed-identity')} and ${shown('service-connection')} exclude each other`,
        'give one of them',
      );
    if (client !== undefined && tenant === undefined) throw missingTenant(shown);
    return {'managed-identity': identity, 'client-id': client, 'tenant-id': tenant};
  }
  if (platform.output === 'azure-pipelines') return platform.tokenOptions();
  if (tenant === undefined) throw missingTenant(shown);
  return {...platform.tokenOptions(), 'client-id': client, 'tenant-id': tenant};
}

function missingTenant(shown) {
  return new Refusal(
    `${shown('tenant-id')} is missing`,
    'give the GUID of the tenant in which the application is registered',
  );
}

function checkedList(name, words, shown) {
  const wrong = words.find((word) => !/^[^/]+\/[^/]+$/.test(word));
  if (wrong !== undefined)
    throw new Refusal(
      `${shown(name)} is not valid: ${wrong.slice(0, 80)}`,
      'write ORGANIZATION/PROJECT, such as contoso/Web',
    );
  return words;
}

/** The token of the job, for the organization of the pipeline: the daemon reads it from the environment. */
function withJobToken(organizations) {
  const names = organizations.map((name) => JSON.stringify(name)).join(', ');
  return `integrations: {azure: [{credentials: [{organizations: [${names}], personalAccessToken: "\${SYSTEM_ACCESSTOKEN}"}]}]}`;
}

module.exports = {readInputs};
