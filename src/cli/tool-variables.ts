import {SERVICES_HOST} from '../organization/owner.ts';
import {printable} from '../text/printable.ts';
import {CommandError} from './command-error.ts';
import {EXIT} from './exit-code.ts';
import {basic, type Granted} from './commands/token.ts';

/** An artifact feed of the organization, or of one of its projects. */
interface Feed {
  readonly project: string | undefined;
  readonly name: string;
}

/**
 * Returns the variables from which tools read the token: those of Azure DevOps, those of npm for the whole
 * organization, and for each feed those of NuGet, pip, uv, Maven and Cargo.
 * @param organization as typed; `HOST/COLLECTION` on a server
 * @param feeds `feed` or `project/feed`
 * @throws {CommandError} if a feed's name is invalid, or if the collection of a server is missing.
 * Fact 83.
 */
export function toolVariables(
  organization: string,
  granted: Granted,
  feeds: readonly string[],
): Record<string, string> {
  const {token} = granted;
  const base = feedsOf(organization, granted);
  const parsed = feeds.map(parseFeed);
  return {
    SYSTEM_ACCESSTOKEN: token,
    AZURE_DEVOPS_EXT_PAT: token,
    ...npmVariables(base, granted),
    ...(parsed.length === 0 ? {} : nugetVariables(base, token, parsed)),
    ...(parsed.length === 0 ? {} : pythonVariables(base, token, parsed)),
    ...(parsed.length === 0 ? {} : mavenVariables(base, token, parsed)),
    ...Object.fromEntries(parsed.flatMap((feed) => cargoVariables(base, granted, feed))),
  };
}

/** npm looks for a token under every parent of a registry's address, so one serves all feeds of the organization. */
function npmVariables(base: string, {form, token, username}: Granted): Record<string, string> {
  const key = `npm_config_${base.replace('https:', '')}/`;
  return form === 'pat' ? {[`${key}:_auth`]: basic(username, token)} : {[`${key}:_authToken`]: token};
}

/** Fact 84. @see https://github.com/microsoft/artifacts-credprovider#environment-variables */
function nugetVariables(base: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  const endpointCredentials = feeds.map((feed) => ({
    endpoint: `${addressOf(base, feed)}/nuget/v3/index.json`,
    username: 'orgkey',
    password: token,
  }));
  const endpoints = JSON.stringify({endpointCredentials});
  // the newer variable wins where both are set, and a pipeline's task may have set it
  return {
    ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS: endpoints,
    VSS_NUGET_EXTERNAL_FEED_ENDPOINTS: endpoints,
  };
}

/** The first feed replaces PyPI: next to it, a public package of the same name could be installed instead. */
function pythonVariables(base: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  const [first] = feeds;
  const address = first === undefined ? '' : `${addressOf(base, first)}/pypi/simple/`;
  return {
    PIP_INDEX_URL: address.replace('https://', `https://orgkey:${encodeURIComponent(token)}@`),
    UV_INDEX: feeds.map((feed) => `${uvName(feed)}=${addressOf(base, feed)}/pypi/simple/`).join(' '),
    ...Object.fromEntries(
      feeds.flatMap((feed) => [
        [`UV_INDEX_${variableName(uvName(feed))}_USERNAME`, 'orgkey'],
        [`UV_INDEX_${variableName(uvName(feed))}_PASSWORD`, token],
      ]),
    ),
  };
}

/** Maven has no variables of its own: a settings.xml refers to these, with `${env.MAVEN_FEED_PASSWORD}`. */
function mavenVariables(base: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  const [first] = feeds;
  return {
    MAVEN_FEED_URL: first === undefined ? '' : `${addressOf(base, first)}/maven/v1`,
    MAVEN_FEED_USERNAME: 'orgkey',
    MAVEN_FEED_PASSWORD: token,
  };
}

/** @see https://doc.rust-lang.org/cargo/reference/registry-authentication.html */
function cargoVariables(base: string, {form, token, username}: Granted, feed: Feed): [string, string][] {
  const prefix = `CARGO_REGISTRIES_${variableName(feed.name)}`;
  return [
    [`${prefix}_INDEX`, `sparse+${addressOf(base, feed)}/Cargo/index/`],
    [`${prefix}_CREDENTIAL_PROVIDER`, 'cargo:token'],
    [`${prefix}_TOKEN`, form === 'pat' ? `Basic ${basic(username, token)}` : `Bearer ${token}`],
  ];
}

/**
 * Returns the parent address of the feeds, without a slash at the end. The services have a host of their own for them;
 * a server has them in the collection.
 * @see https://learn.microsoft.com/azure/devops/artifacts/maven/project-setup-maven
 */
function feedsOf(organization: string, {host}: Granted): string {
  if (host === SERVICES_HOST) return `https://pkgs.${SERVICES_HOST}/${organization}`;
  const collection = organization.slice(host.length).split('/').filter(Boolean);
  if (collection.length === 0)
    throw new CommandError(EXIT.usage, `no collection of ${host} is named`, {
      hint: `name one, as in: orgkey exec ${host}/DefaultCollection -- npm publish`,
    });
  return `https://${[host, ...collection.map(encodeURIComponent)].join('/')}`;
}

function addressOf(base: string, {project, name}: Feed): string {
  const segments = [...(project === undefined ? [] : [project]), '_packaging', name];
  return [base, ...segments.map(encodeURIComponent)].join('/');
}

function parseFeed(text: string): Feed {
  const parts = text.split('/');
  const name = parts.pop() ?? '';
  const project = parts.pop();
  if (parts.length > 0 || !/^[\w.@-]+$/.test(name) || project === '')
    throw new CommandError(EXIT.usage, `invalid feed: ${printable(text, 60)}`, {
      hint: 'use FEED or PROJECT/FEED',
    });
  return {project, name};
}

function uvName({name}: Feed): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}
