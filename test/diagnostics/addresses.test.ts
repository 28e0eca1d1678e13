import test from 'ava';
import {readFileSync} from 'node:fs';
import {Person} from '../helpers/command-line.ts';
import {helper, daemonFor} from '../helpers/daemon.ts';
import {helperValue} from '../../src/git/setting.ts';
import {cloudFor} from '../helpers/cloud-for.ts';

/** Secrets in addresses begin with this word. */
const CANARY = 'CANARY';

const proxies = [
  String.raw`http://CORP\jdoe:CANARY12@127.0.0.1:9`,
  String.raw`http://dom\puser:CANARY12@CANARY34@127.0.0.1:9`,
  'http://me:p/CANARY12@127.0.0.1:9',
  'http://me:p?CANARY12@127.0.0.1:9',
  'http://127.0.0.1:9/CANARY12?x=CANARY34#CANARY56',
  'http://me:CANARY%40CANARY@127.0.0.1:9',
];

const remotes = [
  'https://dev.azure.com/contoso/p/_git/r?token=CANARY12',
  'https://x:p@ss/CANARY12@dev.azure.com/contoso/p',
  'https://user:CANARY12@dev.azure.com/contoso/p/_git/r',
  'https://CANARY12CANARY@git.example.org/p/r',
  'https://git.example.org/CANARY12/r',
  'ssh://user:CANARY12@ssh.dev.azure.com/v3/contoso/p/r',
];

// serial: each test runs a daemon and many command lines
for (const [at, proxy] of proxies.entries()) {
  const remote = remotes[at] ?? '';
  test.serial(`no output shows a secret of ${proxy} or of ${remote}`, async (t) => {
    const cloud = await cloudFor(t);
    const pat = cloud.addOrganization('contoso').addPat();
    const environment = {...cloud.environment(), HTTP_PROXY: proxy, IDENTITY_ENDPOINT: proxy};
    const daemon = await daemonFor(t, {
      configuration: `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: "${pat.value}"}]}]}\n`,
      environment,
    });
    const person = new Person(t, {...environment, ...daemon.environment, ORGKEY_CONFIG: daemon.configFile});
    await person.git(['init', '-q', '.']);
    for (const [key, value] of [
      ['credential.https://dev.azure.com.helper', helperValue(helper)],
      ['credential.https://dev.azure.com.useHttpPath', 'true'],
      ['remote.origin.url', remote],
      ['remote.origin.pushurl', remote],
      ['http.proxy', proxy],
      [`url.${remote}.insteadOf`, 'https://dev.azure.com/'],
      [`http.${remote}.sslVerify`, 'false'],
      [`credential.${remote}.helper`, ''],
    ] as const)
      await person.git(['config', '--add', key, value]);

    const file = person.path('report.json');
    const outputs = new Map<string, string>();
    for (const words of [
      ['status'],
      ['status', '--json'],
      ['doctor', 'contoso'],
      ['doctor', 'contoso', '--json'],
      ['doctor', 'contoso', '--bundle', file],
      ['doctor', remote],
      ['which', remote],
      ['which', remote, '--json'],
      ['which', `${remote}\n`],
    ]) {
      const {stdout, stderr} = await person.run(words[0] ?? '', words.slice(1));
      outputs.set(words.join(' '), stdout + stderr);
    }
    outputs.set('bundle', readFileSync(file, 'utf8'));
    for (const [name, text] of outputs) {
      t.not(text, '', name);
      t.false(text.includes(CANARY), `${name}: ${text}`);
    }
    t.regex(
      outputs.get('status --json') ?? '',
      /"IDENTITY_ENDPOINT": ?"(?:http:\/\/127\.0\.0\.1:9|\[hidden\])"/,
    );
  });
}
