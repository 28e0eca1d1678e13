/** Measures a whole `git credential fill` through orgkey and other helpers, in turns. */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {BuiltDaemon, PAT, Place, dist} from './built-daemon.ts';
import {LoadClient} from './load-client.ts';
import type {Group} from './row.ts';
import {median, pairedRatio} from './statistics.ts';
import {helperValue} from '../../src/git/setting.ts';

const ROUNDS = 200;

export async function measureCredentialFill(): Promise<Group> {
  const client = new LoadClient();
  const place = new Place();
  const daemon = await BuiltDaemon.start(place);
  const cache = join(place.makeDirectory('cache'), 'socket');
  const cacheHelper = `cache --socket=${cache}`;
  const environment = {
    ...place.environment,
    ORGKEY_RUNTIME_DIR: place.runtime,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  try {
    const description = 'protocol=https\nhost=dev.azure.com\npath=contoso/web/_git/site\n';
    const request = place.write('request', `${description}\n`);
    execFileSync('git', ['credential-cache', `--socket=${cache}`, 'store'], {
      input: `${description}username=someone\npassword=${PAT}\n`,
      env: environment,
    });
    const stored = place.write('stored', `https://someone:${PAT}@dev.azure.com/contoso/web/_git/site\n`);
    const nodeHelper = place.write(
      'helper.cjs',
      `process.stdout.write('username=someone\\npassword=${PAT}\\n');`,
    );
    const oauth = fetchOauthHelper();
    const helpers: Record<string, readonly string[]> = {
      'git credential-cache': [cacheHelper],
      orgkey: [helperValue(join(dist, 'git-credential-orgkey'))],
      'orgkey, its script as a program': [`!'${join(dist, 'git-credential-orgkey')}'`],
      "orgkey's socket, in a container": [`cache --socket=${place.socket}`],
      'git credential-store': [`store --file=${stored}`],
      'a helper in Node': [`!'${process.execPath}' '${nodeHelper}'`],
      // It has no token and passes on to the next helper: this measures its start
      ...(oauth === undefined
        ? {}
        : {'git-credential-oauth (Go), then store': [oauth, `store --file=${stored}`]}),
    };
    const configurations = Object.values(helpers).map((lines, at) =>
      place.write(`gitconfig-${at}`, `[credential]\n\tuseHttpPath = true\n${lines.map(helperLine).join('')}`),
    );
    const [theirs = '', ...others] = configurations;
    const names = Object.keys(helpers).slice(1);
    const figures: {name: string; ratio: number; ours: number; theirs: number}[] = [];
    for (const [at, configuration] of others.entries()) {
      // In pairs: a big program between two small ones evicts the processor's caches for the next one
      const question = {rounds: ROUNDS, request, expected: 'password='};
      const [base = [], took = []] = await client.fillInTurns(question, [theirs, configuration], environment);
      const name = names[at] ?? '';
      figures.push({name, ratio: pairedRatio(took, base), ours: median(took), theirs: median(base)});
    }
    return {
      rows: figures.map(({name, ratio, ours, theirs}) => ({
        what: `git credential fill: ${name}, against git credential-cache`,
        value: ratio,
        unit: '×',
        ...(name === 'orgkey' ? {target: {atMost: 1.3}} : {}),
        note: `${ours.toFixed(2)} against ${theirs.toFixed(2)} ms`,
      })),
      plot: {
        title: 'git credential fill, against git’s own cache (C): shorter is better',
        unit: '×',
        bars: [{name: 'git credential-cache', ratio: 1}, ...figures]
          .map(({name, ratio}) => ({name, value: ratio, isOurs: name.startsWith('orgkey')}))
          .toSorted((one, other) => one.value - other.value),
      },
    };
  } finally {
    execFileSync('git', ['credential-cache', `--socket=${cache}`, 'exit'], {
      env: environment,
      stdio: 'ignore',
    });
    await daemon.stop();
    place.remove();
  }
}

function helperLine(helper: string): string {
  return `\thelper = "${helper.replaceAll('"', String.raw`\"`)}"\n`;
}

/** Unpacks Debian's package in the cache; returns `undefined` if it is not available. */
function fetchOauthHelper(): string | undefined {
  const directory = join(import.meta.dirname, '../../.cache/bench/oauth');
  const program = join(directory, 'usr/bin/git-credential-oauth');
  if (existsSync(program)) return program;
  mkdirSync(directory, {recursive: true});
  try {
    execFileSync('apt-get', ['download', 'git-credential-oauth'], {cwd: directory, stdio: 'ignore'});
    const archive = readdirSync(directory).find((name) => name.endsWith('.deb')) ?? '';
    execFileSync('dpkg-deb', ['-x', archive, '.'], {cwd: directory, stdio: 'ignore'});
    return program;
  } catch {
    process.stderr.write('git-credential-oauth is not measured: its Debian package cannot be had here\n');
    return undefined;
  }
}
