import type {Problems} from './text/problems.ts';
import type {Parts, Written, WrittenEntry} from './text/written.ts';

/** What a file in config.d can add to. Everything else is for config.yaml alone. */
const LISTS: ReadonlySet<string> = new Set(['sockets', 'gateways', 'submodules']);

/** Returns the parts with what a file in config.d adds to their lists. It cannot change anything that is there. */
export function withDropIn(parts: Parts, added: Parts, problems: Problems): Parts {
  return {
    azure: appended(parts.azure, added.azure, problems),
    orgkey: withLists(parts.orgkey, added.orgkey, problems),
  };
}

function withLists(
  before: Written | undefined,
  added: Written | undefined,
  problems: Problems,
): Written | undefined {
  const entries = entriesOf(before);
  // what is wrong in config.yaml is reported there
  if (added === undefined || entries === undefined) return before;
  for (const [key, {keyAt, value}] of allowedIn(added, problems)) {
    const sum = appended(entries.get(key)?.value, value, problems);
    if (sum !== undefined) entries.set(key, {keyAt, value: sum});
  }
  return {kind: 'map', at: (before ?? added).at, entries};
}

/** Returns a copy. `undefined`: it is not a mapping. */
function entriesOf(written: Written | undefined): Map<string, WrittenEntry> | undefined {
  if (written === undefined || written.kind === 'nothing') return new Map();
  return written.kind === 'map' ? new Map(written.entries) : undefined;
}

function allowedIn(added: Written, problems: Problems): [string, WrittenEntry][] {
  const entries = entriesOf(added);
  if (entries === undefined) problems.error(added.at, 'orgkey must be a mapping');
  return [...(entries ?? [])].filter(([key, {keyAt}]) => {
    if (LISTS.has(key)) return true;
    problems.error(
      keyAt,
      `${key} is for config.yaml: a file in config.d can only add ${[...LISTS].join(', ')}`,
    );
    return false;
  });
}

function appended(
  before: Written | undefined,
  added: Written | undefined,
  problems: Problems,
): Written | undefined {
  if (added === undefined || added.kind === 'nothing') return before;
  if (added.kind !== 'list') {
    problems.error(added.at, 'a file in config.d adds to lists: begin each item with a hyphen');
    return before;
  }
  if (before === undefined || before.kind === 'nothing') return added;
  return before.kind === 'list' ? {...before, items: [...before.items, ...added.items]} : before;
}
