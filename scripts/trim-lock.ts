// A registry may lack packages for platforms that we do not use. npm then writes a lock file that its own
// `npm ci` rejects. This script drops the optional dependencies that have no entry in the lock file.
// usage: npm install --package-lock-only && node scripts/trim-lock.ts
import {readFileSync, writeFileSync} from 'node:fs';

interface Lock {
  packages: Record<string, {optionalDependencies?: Record<string, string>}>;
}

const file = new URL('../package-lock.json', import.meta.url);
const lock: Lock = JSON.parse(readFileSync(file, 'utf8'));
const locked = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));
for (const entry of Object.values(lock.packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!locked.has(name)) delete entry.optionalDependencies?.[name];
  }
}
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
