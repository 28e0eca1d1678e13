import {readFileSync} from 'node:fs';
import {join} from 'node:path';

export type ShellScript = 'git-credential-orgkey' | 'orgkey-ssh';

const directory = join(import.meta.dirname, '../src/shell');
const READS_FRAGMENT = /^# the build replaces .*\n.*\n\. "\$\{script%\/\*\}\/find-daemon\.sh"\n/m;

/** Returns a script as it is installed: one file, with the shared fragment in the place of the lines that read it. */
export function shellScript(name: ShellScript): string {
  const text = readFileSync(join(directory, name), 'utf8');
  if (!READS_FRAGMENT.test(text)) throw new Error(`${name} does not read find-daemon.sh`);
  const fragment = readFileSync(join(directory, 'find-daemon.sh'), 'utf8');
  // A function, because $ is special in a replacement text
  return text.replace(READS_FRAGMENT, () => fragment.slice(fragment.indexOf('\n\n') + 2));
}
