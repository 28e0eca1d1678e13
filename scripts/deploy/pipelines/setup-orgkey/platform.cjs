'use strict';
// What differs between GitHub Actions and Azure Pipelines: inputs, state, secrets and messages.
const {randomUUID} = require('node:crypto');
const {appendFileSync} = require('node:fs');

/** A wrong input, or something that is missing: it is reported without a stack. */
class Refusal extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

function platformOf(environment) {
  return environment.TF_BUILD === undefined
    ? new GithubActions(environment)
    : new AzurePipelines(environment);
}

class GithubActions {
  output = 'github-actions';
  /** Of the runner's own: it masks its secrets. */
  secrets = [];
  #environment;

  constructor(environment) {
    this.#environment = environment;
  }

  get temporary() {
    return this.#environment.RUNNER_TEMP || undefined;
  }

  /** The names of the inputs are those of action.yml. */
  nameOf(name) {
    return name;
  }

  input(name) {
    return trimmed(this.#environment[`INPUT_${name.toUpperCase()}`]);
  }

  /** Returns the options with which an application signs in by the token of the job. */
  tokenOptions() {
    const {ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token} = this.#environment;
    if (!url || !token)
      throw new Refusal(
        'this job may not ask for an OIDC token',
        'add to the job: permissions: {id-token: write, contents: read}; a pull request from a fork never may',
      );
    return {oidc: 'github-actions'};
  }

  state(name) {
    return this.#environment[`STATE_${name}`] || undefined;
  }

  saveState(name, value) {
    const end = randomUUID();
    appendFileSync(this.#environment.GITHUB_STATE, `${name}<<${end}\n${value}\n${end}\n`);
  }

  mask(value) {
    console.log(`::add-mask::${escaped(value)}`);
  }

  warn(message) {
    console.log(`::warning title=orgkey::${escaped(message)}`);
  }

  fail(message, hint) {
    console.log(
      `::error title=orgkey::${escaped(hint === undefined ? message : `${message}\nhint: ${hint}`)}`,
    );
    process.exitCode = 1;
  }

  environmentForDaemon() {
    return without(this.#environment, /^(?:INPUT|STATE)_/);
  }
}

class AzurePipelines {
  output = 'azure-pipelines';
  #environment;

  constructor(environment) {
    this.#environment = environment;
  }

  get temporary() {
    return this.#environment.AGENT_TEMPDIRECTORY || undefined;
  }

  /** The names of the inputs are those of task.json: client-id is clientId there. */
  nameOf(name) {
    return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  }

  input(name) {
    return trimmed(this.#environment[`INPUT_${this.nameOf(name).toUpperCase()}`]);
  }

  /** The job's token, and the forms in which a Basic header carries it. */
  get secrets() {
    const token = this.#jobToken;
    return token === undefined ? [] : [token, ...['', 'orgkey'].map((user) => base64(`${user}:${token}`))];
  }

  get #jobToken() {
    const environment = this.#environment;
    return (
      environment.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN || environment.SYSTEM_ACCESSTOKEN
    );
  }

  /** Returns the options for the service connection. The task must name it, or the job may not use it. */
  tokenOptions() {
    const id = this.input('service-connection');
    if (id === undefined)
      throw new Refusal(
        'the input serviceConnection is missing',
        'name the service connection whose application signs in',
      );
    const scheme = this.#environment[`ENDPOINT_AUTH_SCHEME_${id}`];
    if (scheme !== 'WorkloadIdentityFederation')
      throw new Refusal(
        `the service connection signs in with ${scheme ?? 'something unknown'}, not with workload identity federation`,
        'convert it in the project settings, or use the input managedIdentity on an agent in Azure',
      );
    if (this.#jobToken === undefined)
      throw new Refusal(
        'the token of the job is missing',
        'pass it: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}',
      );
    return {
      oidc: 'azure-pipelines',
      'service-connection-id': id,
      'client-id': this.#parameter(id, 'SERVICEPRINCIPALID'),
      'tenant-id': this.#parameter(id, 'TENANTID'),
    };
  }

  #parameter(id, name) {
    return this.#environment[`ENDPOINT_AUTH_PARAMETER_${id}_${name}`];
  }

  state(name) {
    return this.#environment[`VSTS_TASKVARIABLE_${name.toUpperCase()}`] || undefined;
  }

  saveState(name, value) {
    console.log(`##vso[task.settaskvariable variable=${name}]${escaped(value)}`);
  }

  mask(value) {
    console.log(`##vso[task.setsecret]${escaped(value)}`);
  }

  warn(message) {
    console.log(`##vso[task.logissue type=warning]${escaped(message)}`);
  }

  fail(message, hint) {
    console.log(
      `##vso[task.logissue type=error]${escaped(hint === undefined ? message : `${message}; ${hint}`)}`,
    );
    console.log('##vso[task.complete result=Failed;]orgkey did not start');
  }

  environmentForDaemon() {
    const environment = without(
      this.#environment,
      /^(?:INPUT|ENDPOINT|SECRET|SECUREFILE|VSTS_TASKVARIABLE)_/,
    );
    const token = this.#jobToken;
    return token === undefined ? environment : {...environment, SYSTEM_ACCESSTOKEN: token};
  }
}

function trimmed(text) {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function base64(text) {
  return Buffer.from(text).toString('base64');
}

/** Workflow commands and logging commands are lines. */
function escaped(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function without(environment, names) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}

module.exports = {Refusal, platformOf};
