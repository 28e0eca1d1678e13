import {CommandError} from './command-error.ts';
import {EXIT} from './exit-code.ts';
import {basic, type Granted} from './commands/token.ts';

/** An artifact feed: of the organization, or of one of its projects. */
interface Feed {
  readonly project: string | undefined;
  readonly name: string;
}

/**
 * The variables by which tools take the token: Azure DevOps' own, npm for the whole organization, and for each feed
 * NuGet, pip, uv, Maven and Cargo. `feeds`: `feed` or `project/feed`.
 * @throws {CommandError} where a feed has a name that none has.
 */
export function toolVariables(
  organization: string,
  granted: Granted,
  feeds: readonly string[],
): Record<string, string> {
  const {token} = granted;
  const parsed = feeds.map(parseFeed);
  return {
    SYSTEM_ACCESSTOKEN: token,
    AZURE_DEVOPS_EXT_PAT: token,
    ...npmVariables(organization, granted),
    ...(parsed.length === 0 ? {} : nugetVariables(organization, token, parsed)),
    ...(parsed.length === 0 ? {} : pythonVariables(organization, token, parsed)),
    ...(parsed.length === 0 ? {} : mavenVariables(organization, token, parsed)),
    ...Object.fromEntries(parsed.flatMap((feed) => cargoVariables(organization, granted, feed))),
  };
}

/** npm looks for a token under every parent of a registry's address: one for all feeds of the organization. */
function npmVariables(organization: string, {form, token, username}: Granted): Record<string, string> {
  const key = `npm_config_//pkgs.dev.azure.com/${organization}/`;
  return form === 'pat' ? {[`${key}:_auth`]: basic(username, token)} : {[`${key}:_authToken`]: token};
}

/** @see https://github.com/microsoft/artifacts-credprovider#environment-variables */
function nugetVariables(organization: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  const endpointCredentials = feeds.map((feed) => ({
    endpoint: `${addressOf(organization, feed)}/nuget/v3/index.json`,
    username: 'orgkey',
    password: token,
  }));
  return {VSS_NUGET_EXTERNAL_FEED_ENDPOINTS: JSON.stringify({endpointCredentials})};
}

/** The first feed takes the place of PyPI: beside it, whoever publishes a name there first would be installed. */
function pythonVariables(
  organization: string,
  token: string,
  feeds: readonly Feed[],
): Record<string, string> {
  const [first] = feeds;
  const address = first === undefined ? '' : `${addressOf(organization, first)}/pypi/simple/`;
  return {
    PIP_INDEX_URL: address.replace('https://', `https://orgkey:${encodeURIComponent(token)}@`),
    UV_INDEX: feeds.map((feed) => `${uvName(feed)}=${addressOf(organization, feed)}/pypi/simple/`).join(' '),
    ...Object.fromEntries(
      feeds.flatMap((feed) => [
        [`UV_INDEX_${variableName(uvName(feed))}_USERNAME`, 'orgkey'],
        [`UV_INDEX_${variableName(uvName(feed))}_PASSWORD`, token],
      ]),
    ),
  };
}

/** For a settings.xml with `<password>${env.MAVEN_FEED_PASSWORD}</password>`: Maven has no variables of its own. */
function mavenVariables(organization: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  const [first] = feeds;
  return {
    MAVEN_FEED_URL: first === undefined ? '' : `${addressOf(organization, first)}/maven/v1`,
    MAVEN_FEED_USERNAME: 'orgkey',
    MAVEN_FEED_PASSWORD: token,
  };
}

/** @see https://doc.rust-lang.org/cargo/reference/registry-authentication.html */
function cargoVariables(
  organization: string,
  {form, token, username}: Granted,
  feed: Feed,
): [string, string][] {
  const prefix = `CARGO_REGISTRIES_${variableName(feed.name)}`;
  return [
    [`${prefix}_INDEX`, `sparse+${addressOf(organization, feed)}/Cargo/index/`],
    [`${prefix}_CREDENTIAL_PROVIDER`, 'cargo:token'],
    [`${prefix}_TOKEN`, form === 'pat' ? `Basic ${basic(username, token)}` : `Bearer ${token}`],
  ];
}

function addressOf(organization: string, {project, name}: Feed): string {
  const segments = [organization, ...(project === undefined ? [] : [project]), '_packaging', name];
  return `https://pkgs.dev.azure.com/${segments.map(encodeURIComponent).join('/')}`;
}

function parseFeed(text: string): Feed {
  const parts = text.split('/');
  const name = parts.pop() ?? '';
  const project = parts.pop();
  if (parts.length > 0 || !/^[\w.@-]+$/.test(name) || project === '')
    throw new CommandError(EXIT.usage, '--feed is FEED, or PROJECT/FEED');
  return {project, name};
}

function uvName({name}: Feed): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}
