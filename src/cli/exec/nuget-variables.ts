import {isRecord, parseRecord} from '../../text/record.ts';
import {feedAddress, type Feed} from './feed.ts';
import type {Environment} from '../../text/environment.ts';

type Variables = Readonly<Record<string, string>>;

interface Wanted {
  readonly bases: readonly string[];
  readonly feeds: readonly Feed[];
  readonly token: string;
}

/**
 * Returns the variables of Microsoft's credential provider for NuGet. Both generations of names are set: the newer one
 * wins, and the caller may have either. What the caller's variables hold for other addresses stays.
 * Fact 84.
 * @see https://github.com/microsoft/artifacts-credprovider#environment-variables
 */
export function nugetVariables(wanted: Wanted, caller: Environment): Variables {
  return {...endpointVariables(wanted, caller), ...prefixVariables(wanted, caller)};
}

const ENDPOINTS = [
  'ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS',
  'VSS_NUGET_EXTERNAL_FEED_ENDPOINTS',
];

/** Compared as a whole with the address in nuget.config: other hosts and views are other entries. */
function endpointVariables({bases, feeds, token}: Wanted, caller: Environment): Variables {
  if (feeds.length === 0) return {};
  const theirs = ENDPOINTS.map((name) => caller[name]).find(Boolean);
  const endpoints = spellings(bases, feeds, token.length);
  const known = new Set(endpoints.map((one) => one.toLowerCase()));
  const others = endpointsIn(theirs ?? '').filter(
    (entry) => typeof entry['endpoint'] === 'string' && !known.has(entry['endpoint'].toLowerCase()),
  );
  const endpointCredentials = [
    ...endpoints.map((endpoint) => ({endpoint, username: 'orgkey', password: token})),
    ...others,
  ];
  const value = JSON.stringify({endpointCredentials});
  return Object.fromEntries(ENDPOINTS.map((name) => [name, value]));
}

/** The kernel takes 128 KiB for one variable. */
const MOST_CHARACTERS = 100_000;

/** The first spelling that counts is the one that was named. If all were too long, the prefixes must do. */
function spellings(bases: readonly string[], feeds: readonly Feed[], tokenLength: number): string[] {
  const named = feeds.map((feed) => indexOf(bases[0] ?? '', feed));
  const all = bases.flatMap((base) => feeds.flatMap(viewsOf).map((feed) => indexOf(base, feed)));
  const isLong = all.reduce((sum, one) => sum + one.length + tokenLength + 60, 0) > MOST_CHARACTERS;
  return [...new Set(isLong ? named : [...named, ...all])];
}

/** A feed that is named without a view may be used with one, and these every feed has. */
function viewsOf(feed: Feed): Feed[] {
  if (feed.name.includes('@')) return [feed];
  const views = ['Local', 'Prerelease', 'Release'].map((view) => ({...feed, name: `${feed.name}@${view}`}));
  return [feed, ...views];
}

function indexOf(base: string, feed: Feed): string {
  return `${feedAddress(base, feed)}/nuget/v3/index.json`;
}

/** The provider also takes JSON with single quotes. */
function endpointsIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  const read = parseRecord(text) ?? (text.includes('"') ? undefined : parseRecord(text.replaceAll("'", '"')));
  const entries = read?.['endpointCredentials'];
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

const PREFIXES = ['ARTIFACTS_CREDENTIALPROVIDER_URI_PREFIXES', 'VSS_NUGET_URI_PREFIXES'];
const TOKENS = ['ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN', 'VSS_NUGET_ACCESSTOKEN'];

/**
 * The provider asks these for what the list above lacks: names as GUIDs, other spellings. There is one token for all
 * prefixes, so the caller's stay if one of them is for something else: it must neither get our token nor lose its own.
 */
function prefixVariables({bases, token}: Pick<Wanted, 'bases' | 'token'>, caller: Environment): Variables {
  const ours = bases.map((base) => `${base}/`);
  const theirs = PREFIXES.map((name) => caller[name]).find(Boolean) ?? '';
  const isForeign = theirs
    .split(';')
    .filter(Boolean)
    .some((prefix) => !ours.some((one) => `${prefix}/`.toLowerCase().startsWith(one.toLowerCase())));
  if (isForeign) return {};
  return Object.fromEntries([
    ...PREFIXES.map((name) => [name, ours.join(';')]),
    ...TOKENS.map((name) => [name, token]),
  ]);
}
