import {basic, type Granted, authorization} from '../commands/token.ts';
import {feedAddress, feedBases, type Feed} from './feed.ts';
import {nugetVariables} from './nuget-variables.ts';
import type {Environment} from '../../text/environment.ts';

interface Wanted {
  /** As typed; `HOST/COLLECTION` on a server. */
  readonly organization: string;
  readonly granted: Granted;
  readonly feeds: readonly Feed[];
  /** The caller's variables, parts of which stay. */
  readonly caller: Environment;
}

/**
 * Returns the variables from which tools read the token: those of Azure DevOps and of npm, and for each feed those of
 * NuGet, pip, uv, twine, Maven and Cargo. No token is in an address, which tools print.
 * @throws {CommandError} if the collection of a server is missing.
 * Fact 83.
 */
export function toolVariables({organization, granted, feeds, caller}: Wanted): Record<string, string> {
  const {token, username} = granted;
  const bases = feedBases(organization, granted.host);
  const [base] = bases;
  const [first] = feeds;
  return {
    SYSTEM_ACCESSTOKEN: token,
    AZURE_DEVOPS_EXT_PAT: token,
    [ORGKEY_TOKEN]: token,
    [ORGKEY_BASIC]: basic(username, token),
    ORGKEY_AUTHORIZATION: authorization(granted),
    // for pnpm; npm has a file, because not every shell passes this name on
    [`npm_config_${base.replace('https:', '')}/:${npmKey(granted)}`]:
      granted.form === 'pat' ? basic(username, token) : token,
    ...nugetVariables({bases, feeds, token}, caller),
    ...(first === undefined ? {} : pythonVariables(base, first)),
    ...uvVariables(base, token, feeds),
    ...(first === undefined ? {} : twineVariables(base, token, first)),
    ...(first === undefined ? {} : mavenVariables(base, token, first)),
    ...Object.fromEntries(feeds.flatMap((feed) => cargoVariables(base, granted, feed))),
  };
}

/** The token itself, and `USER:TOKEN` in base64, for what refers to a variable: npm, Yarn, Maven, Gradle. */
export const ORGKEY_TOKEN = 'ORGKEY_TOKEN';
export const ORGKEY_BASIC = 'ORGKEY_BASIC';

/** Returns how npm calls what it sends: Azure DevOps takes a personal access token only as a password. */
export function npmKey({form}: Pick<Granted, 'form'>): '_auth' | '_authToken' {
  return form === 'pat' ? '_auth' : '_authToken';
}

/**
 * The first feed replaces PyPI: next to it, a public package of the same name could be installed instead. pip asks the
 * program `keyring` for the token, if the address has a user.
 */
function pythonVariables(base: string, first: Feed): Record<string, string> {
  return {
    PIP_INDEX_URL: `${feedAddress(base, first).replace('https://', 'https://orgkey@')}/pypi/simple/`,
    PIP_KEYRING_PROVIDER: 'subprocess',
  };
}

function uvVariables(base: string, token: string, feeds: readonly Feed[]): Record<string, string> {
  if (feeds.length === 0) return {};
  const indexes = feeds.map((feed) => `${feed.title}=${feedAddress(base, feed)}/pypi/simple/`);
  return {
    UV_INDEX: indexes.join(' '),
    ...Object.fromEntries(
      feeds.flatMap(({title}) => [
        [`UV_INDEX_${variableName(title)}_USERNAME`, 'orgkey'],
        [`UV_INDEX_${variableName(title)}_PASSWORD`, token],
      ]),
    ),
  };
}

/** @see https://twine.readthedocs.io/en/stable/#environment-variables */
function twineVariables(base: string, token: string, first: Feed): Record<string, string> {
  return {
    TWINE_REPOSITORY_URL: `${feedAddress(base, first)}/pypi/upload/`,
    TWINE_USERNAME: 'orgkey',
    TWINE_PASSWORD: token,
  };
}

/** Maven has no variables of its own: a settings.xml refers to these, with `${env.MAVEN_FEED_PASSWORD}`. */
function mavenVariables(base: string, token: string, first: Feed): Record<string, string> {
  return {
    MAVEN_FEED_URL: `${feedAddress(base, first)}/maven/v1`,
    MAVEN_FEED_USERNAME: 'orgkey',
    MAVEN_FEED_PASSWORD: token,
  };
}

/** @see https://doc.rust-lang.org/cargo/reference/registry-authentication.html */
function cargoVariables(base: string, granted: Granted, feed: Feed): [string, string][] {
  const prefix = `CARGO_REGISTRIES_${variableName(feed.title)}`;
  return [
    [`${prefix}_INDEX`, `sparse+${feedAddress(base, feed)}/Cargo/index/`],
    [`${prefix}_CREDENTIAL_PROVIDER`, 'cargo:token'],
    [`${prefix}_TOKEN`, authorization(granted)],
  ];
}

function variableName(title: string): string {
  return title.toUpperCase().replaceAll('-', '_');
}
