/** Measures whole clones from the test cloud: their requests, and the time that many submodules take. */
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {startCloud} from '../../test/cloud/cloud.ts';
import {GitHome} from '../../test/helpers/git-home.ts';
import {gits} from '../../test/helpers/gits.ts';
import {BuiltDaemon, Place, dist, patConfiguration} from './built-daemon.ts';
import {Skipped, type Group} from './row.ts';
import {inTurns, median, pairedRatio} from './statistics.ts';
import {helperValue} from '../../src/git/setting.ts';

const SUBMODULES = 200;
const ROUNDS = 5;

export async function measureClones(): Promise<Group> {
  const git = gits.find(({hasAuthtype, missing}) => hasAuthtype && missing === undefined);
  if (git === undefined)
    throw new Skipped('there is no git ≥ 2.46: scripts/test-packages newer-git brings one');
  const cloud = await startCloud();
  const contoso = cloud.addOrganization('contoso', {tenant: cloud.addTenant()});
  const pat = contoso.addPat();
  const place = new Place(
    patConfiguration.replace(/personalAccessToken: \w+/, `personalAccessToken: "${pat.value}"`),
  );
  const daemon = await BuiltDaemon.start(place);
  const PATH = `${git.path}:${process.env['PATH'] ?? ''}`;
  const base = {...cloud.environment(), PATH};
  const homes = {
    orgkey: new GitHome({...base, ORGKEY_RUNTIME_DIR: place.runtime}),
    header: new GitHome(base),
    store: new GitHome(base),
  };
  try {
    const url = 'https://dev.azure.com/contoso';
    // As setup writes it
    await configure(
      homes.orgkey,
      `credential.${url}.helper`,
      helperValue(join(dist, 'git-credential-orgkey')),
    );
    await configure(homes.orgkey, 'credential.https://dev.azure.com.useHttpPath', 'true');
    await configure(homes.orgkey, `http.${url}.proactiveAuth`, 'auto');
    const basic = Buffer.from(`:${pat.value}`).toString('base64');
    await configure(homes.header, `http.${url}.extraHeader`, `Authorization: Basic ${basic}`);
    const stored = homes.store.write('stored', `https://someone:${pat.value}@dev.azure.com\n`, 0o600);
    await configure(homes.store, 'credential.helper', `store --file='${stored}'`);

    const library = contoso.addRepository('web/library', {files: {'a.txt': 'a'}});
    const site = contoso.addRepository('web/site', {
      files: {'b.txt': 'b'},
      submodules: Array.from({length: SUBMODULES}, (_, at) => ({path: `part-${at}`, url: library.url})),
    });
    const asked = async (home: GitHome) => {
      const before = infoRefs();
      await home.succeed(['clone', '-q', library.url, 'counted']);
      return infoRefs() - before;
    };
    const infoRefs = () =>
      cloud.requests.filter(({endpoint, path}) => endpoint === 'git' && path.endsWith('/info/refs')).length;
    const ours = await asked(homes.orgkey);
    const theirs = await asked(homes.store);

    const clone = (home: GitHome) => async () => {
      const args = ['clone', '-q', '--recurse-submodules', '--jobs', '8', site.url, 'site'];
      await home.succeed(args);
      rmSync(join(home.directory, 'site'), {recursive: true, force: true});
    };
    const took = await inTurns(ROUNDS, {orgkey: clone(homes.orgkey), header: clone(homes.header)});
    return {
      rows: [
        {
          what: `info/refs requests for a clone after setup --proactive-auth, ${git.name}`,
          value: ours,
          unit: '',
          target: {atMost: 1},
          note: `with git credential-store: ${theirs}`,
        },
        {
          what: `clone with ${SUBMODULES} HTTPS submodules, --jobs 8, after setup --proactive-auth, against http.extraHeader`,
          value: pairedRatio(took.orgkey, took.header),
          unit: '×',
          target: {atMost: 1.05},
          note: `${(median(took.orgkey) / 1000).toFixed(1)} against ${(median(took.header) / 1000).toFixed(1)} s`,
        },
      ],
    };
  } finally {
    for (const home of Object.values(homes)) home.remove();
    await daemon.stop();
    await cloud.close();
    place.remove();
  }
}

function configure(home: GitHome, key: string, value: string): Promise<string> {
  return home.succeed(['config', '--global', '--add', key, value]);
}
