import test from 'ava';
import type {Binding} from '../../src/identity/bindings.ts';
import type {AnswerParts} from '../../src/answer/answer.ts';
import {auditEntryOf} from '../../src/daemon/record/report.ts';
import {HOUR, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {identityNamed, patNamed} from '../helpers/fake-issuer.ts';
import {World, everybody, request, scopedTo} from '../helpers/fake-respond.ts';

const NOTHING = 'orgkey=1\n';
const FEED = 'https://pkgs.dev.azure.com/contoso/web/_packaging/tools/Cargo/index/';
const services = {host: 'dev.azure.com', place: 'test'};

const bindings: readonly Binding[] = [
  {...services, identity: identityNamed('app'), organizations: ['contoso']},
  {...services, identity: patNamed('pat'), organizations: ['fabrikam']},
  {host: '*', place: 'test', identity: {kind: 'stored', key: 'stored', persist: false}, organizations: []},
];

function world(more: Partial<AnswerParts> = {}): World {
  const made = new World(bindings, more);
  made.issuer.answers(({identity: {kind, key}}, count) =>
    made.issuer.token(`${key}-${count}`, kind === 'pat' ? {kind: 'pat', life: undefined} : {life: HOUR}),
  );
  return made;
}

function toolGet(address: string, ...more: readonly string[]): string {
  return request('get', 'tool=cargo', `address=${address}`, ...more);
}

test('a tool gets a header or a password, and a time before the end of the token', async (t) => {
  const our = world();
  const end = Math.floor((our.clock.wall() + HOUR - MINUTE) / 1000);
  const time = `${new Date(end * 1000).toISOString().slice(0, 19)}Z`;
  const header = await our.ask(toolGet(FEED, 'capability[]=authtype', 'explain=1'));
  t.deepEqual(header.split('\n').slice(1, -1), [
    'capability[]=authtype',
    'ephemeral=1',
    `password_expiry_utc=${end}`,
    `expires=${time}`,
    'authtype=Bearer',
    'credential=app-1',
  ]);
  t.deepEqual((await our.ask(toolGet(`${FEED}x`))).split('\n').slice(1, -1), [
    'username=9f000000-0000-0000-0000-000000000000',
    'password=app-1',
    `password_expiry_utc=${end}`,
    `expires=${time}`,
  ]);
});

test('a tool gets a personal access token as Basic, without an end', async (t) => {
  const address = 'https://fabrikam.pkgs.visualstudio.com/_packaging/tools/npm/registry/';
  const answer = await world().ask(toolGet(address, 'capability[]=authtype'));
  t.regex(answer, /^authtype=Basic\ncredential=[\w+/]+=*$/m);
  t.notRegex(answer, /expire|expiry/);
});

for (const [title, address] of [
  ['another host', 'https://github.com/contoso/_packaging/tools/'],
  ['a host of packages', 'https://contoso.blob.core.windows.net/contoso/x'],
  ['an address without organization', 'https://pkgs.dev.azure.com/'],
  ['a user name that could be one', 'https://contoso@pkgs.dev.azure.com/'],
  ['plain HTTP', FEED.replace('https', 'http')],
] as const)
  test(`a tool gets nothing for ${title}, not even a stored login`, async (t) => {
    const our = world();
    t.is(await our.ask(toolGet(address, 'explain=1')), NOTHING);
    t.is(our.issuer.count, 0);
    t.is(our.reports[0]?.request?.operation, 'get');
  });

for (const [title, lines] of [
  ['no address', ['tool=cargo']],
  ['an address without a scheme', ['tool=cargo', 'address=tools']],
  ['an encoded separator', ['tool=cargo', 'address=https://pkgs.dev.azure.com/contoso%2fx/y']],
  ['a tool without a name', ['tool=', `address=${FEED}`]],
  ['a tool with another name', ['tool=Cargo!', `address=${FEED}`]],
] as const)
  test(`${title}: the request is not valid, and gets nothing`, async (t) => {
    const our = world();
    t.is(await our.ask(request('get', ...lines)), NOTHING);
    t.is(our.reports[0]?.request, undefined);
  });

test('a tool learns that the organization is not configured, on the main socket only', async (t) => {
  const only = new World(bindings.slice(0, 1));
  const address = 'https://pkgs.dev.azure.com/wingtip/_packaging/tools/npm/registry/';
  t.is(await only.ask(toolGet(address, 'explain=1')), `${NOTHING}orgkey-uncovered=wingtip\n`);
  t.is(await only.ask(toolGet(address, 'explain=1'), scopedTo('contoso')), NOTHING);
});

test('a scoped socket serves a tool for its own organizations only', async (t) => {
  const our = world();
  t.is(await our.ask(toolGet(FEED), scopedTo('fabrikam')), NOTHING);
  t.regex(await our.ask(toolGet(FEED), scopedTo('contoso')), /^password=app-1$/m);
});

test('a tool learns why its organization fails', async (t) => {
  const our = world();
  our.issuer.fails('ERR_X');
  const answer = await our.ask(toolGet(FEED, 'capability[]=authtype'));
  t.regex(answer, /^orgkey-error=contoso: .*\(ERR_X\)$/m);
  t.regex(answer, /^orgkey-hint=/m);
  t.notRegex(answer, /credential|password/);
});

test('a tool gets a token that lives ten minutes or more', async (t) => {
  const our = world();
  t.regex(await our.ask(toolGet(FEED)), /^password=app-1$/m);
  our.clock.pass(40 * MINUTE);
  t.regex(await our.ask(toolGet(`${FEED}x`)), /^password=app-1$/m);
  our.clock.pass(10.5 * MINUTE);
  t.notRegex(await our.ask(toolGet(`${FEED}y`)), /^password=app-1$/m);
});

test('a token that Azure DevOps refused meanwhile is replaced when the tool asks again', async (t) => {
  const verified: string[] = [];
  const our = world({
    verify: async ({path = ''}, {fingerprint}) => {
      verified.push(path);
      t.truthy(fingerprint);
      return 'rejected';
    },
  });
  t.regex(await our.ask(toolGet(FEED)), /^password=app-1$/m);
  t.deepEqual(verified, []);
  t.regex(await our.ask(toolGet(FEED)), /^password=app-2$/m);
  t.deepEqual(verified, ['contoso/web/_packaging/tools/Cargo/index']);
});

test('two refused tokens in a row are explained', async (t) => {
  const our = world();
  for (const token of ['app-1', 'app-2'])
    t.regex(await our.ask(toolGet(FEED)), new RegExp(`^password=${token}$`, 'm'));
  t.regex(await our.ask(toolGet(FEED)), /^orgkey-error=contoso: .*\(ERR_NOT_ACCEPTED\)$/m);
});

test('a token that Azure DevOps accepts is kept, and it is asked once a minute', async (t) => {
  let asked = 0;
  const our = world({verify: async () => (asked++, 'accepted')});
  for (let times = 0; times < 10; times++) t.regex(await our.ask(toolGet(FEED)), /^password=app-1$/m);
  t.is(asked, 1);
  our.clock.pass(61 * SECOND);
  await our.ask(toolGet(FEED));
  t.is(asked, 2);
  our.clock.pass(11 * MINUTE);
  await our.ask(toolGet(FEED));
  t.is(asked, 2, 'a tool that asks later was not refused');
});

test('another feed, another socket and git are not taken for a tool that asks again', async (t) => {
  const our = world({verify: async () => t.fail()});
  await our.ask(toolGet(FEED));
  await our.ask(toolGet(FEED.replace('tools', 'other')));
  await our.ask(toolGet(FEED), scopedTo('contoso'));
  const git = ['protocol=https', 'host=pkgs.dev.azure.com', 'path=contoso/web/_packaging/tools/Cargo/index'];
  t.regex(await our.ask(request('get', ...git)), /^password=app-1$/m);
  t.is(our.issuer.count, 1);
});

test('a tool that knows of the refusal reports it as git does', async (t) => {
  const our = world();
  await our.ask(toolGet(FEED));
  const refused = request('erase', 'tool=nuget', `address=${FEED}`, 'username=orgkey', 'password=app-1');
  t.regex(await our.ask(refused), /^orgkey-error=contoso: .*\(ERR_NOT_ACCEPTED\)$/m);
  t.regex(await our.ask(toolGet(FEED)), /^password=app-2$/m);
});

test('ten tools at once cause one request to the issuer', async (t) => {
  const our = world();
  const answers = await Promise.all(Array.from({length: 10}, () => our.ask(toolGet(FEED))));
  for (const answer of answers) t.regex(answer, /^password=app-1$/m);
  t.is(our.issuer.count, 1);
});

test('the audit names the tool and the feed', async (t) => {
  const our = world();
  await our.ask(toolGet(FEED));
  const [report] = our.reports;
  const entry = report && auditEntryOf(report, 0);
  t.like(entry, {
    event: 'get',
    outcome: 'credential',
    tool: 'cargo',
    feed: 'web/tools',
    organization: 'contoso',
  });
  t.is(report?.scope, everybody);
});
