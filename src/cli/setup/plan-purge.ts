import {readdir} from 'node:fs/promises';
import {join} from 'node:path';

/** What `uninstall --purge` removes from one directory. Paths are absolute. */
export interface PurgePlan {
  /** It goes too, if nothing is left in it. */
  readonly directory: string;
  readonly entries: readonly string[];
  /** What orgkey did not make. */
  readonly kept: readonly string[];
}

/** Tells apart what orgkey made in its directories and what others put there. */
export async function planPurge(directories: readonly string[]): Promise<readonly PurgePlan[]> {
  return Promise.all([...new Set(directories)].map(planDirectory));
}

async function planDirectory(directory: string): Promise<PurgePlan> {
  const entries: string[] = [];
  const kept: string[] = [];
  for (const {name, path, isDirectory} of await contentOf(directory)) {
    if (isDirectory && WITH_SECRETS.has(name)) {
      const inside = await contentOf(path);
      const ours = inside.filter((one) => !one.isDirectory && SECRET.test(one.name));
      entries.push(...(ours.length === inside.length ? [path] : ours.map((one) => one.path)));
      kept.push(...inside.filter((one) => !ours.includes(one)).map((one) => one.path));
    } else {
      const isOurs = isDirectory ? WHOLE.has(name) : FILE.test(name);
      (isOurs ? entries : kept).push(path);
    }
  }
  return {directory, entries, kept};
}

async function contentOf(directory: string) {
  const found = await readdir(directory, {withFileTypes: true}).catch(() => []);
  return found
    .map((entry) => ({
      name: entry.name,
      path: join(directory, entry.name),
      isDirectory: entry.isDirectory(),
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

/** The files of both directories. `.new` and the like are drafts that an interrupted write left. */
const FILE =
  /^(?:config\.yaml|env|gitconfig|submodules\.gitconfig|known_hosts|service\.json|git-configuration\.json|tools\.json|last-configuration\.json|runtime-directory|daemon\.(?:log|log\.1|pid)|audit(?:\.[a-z0-9-]+)?\.jsonl(?:\.\d+)?)(?:\.new|\.lock)?$/;

/** The directories in which only orgkey writes. */
const WHOLE: ReadonlySet<string> = new Set(['compile-cache']);

/** The directories for secrets and keys, which have the names of organizations. */
const WITH_SECRETS: ReadonlySet<string> = new Set(['secrets', 'ssh']);
const SECRET = /^[A-Za-z0-9][A-Za-z0-9%_-]*(?:@[A-Za-z0-9._-]+)?(?:\.pub|\.new)?$/;
