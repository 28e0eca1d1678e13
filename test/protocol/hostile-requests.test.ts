import test from 'ava';
import {identityNamed, patNamed} from '../helpers/fake-issuer.ts';
import {World, everybody, scopedTo} from '../helpers/fake-respond.ts';
import {hostileRequests, type HostileRequest, type Who} from './hostile-requests.ts';

const NOTHING = 'orgkey=1\n';
const services = {host: 'dev.azure.com', place: 'test'};
const server = {host: 'azure.example.org', place: 'test'};

const named = [
  {...services, identity: identityNamed('contoso'), organizations: ['contoso']},
  {...services, identity: identityNamed('labs'), organizations: ['Contoso-Labs']},
  {...services, identity: identityNamed('short'), organizations: ['a']},
  {...services, identity: identityNamed('long'), organizations: ['o'.repeat(50)]},
  {
    ...server,
    identity: patNamed('collections'),
    organizations: ['DefaultCollection', 'Project Collection.1_x', 'kilo'],
  },
  {host: 'tfs.example.org:8443', place: 'test', identity: patNamed('team'), organizations: ['Team']},
];
const fallbacks = [
  {...services, identity: identityNamed('fallback'), organizations: []},
  {...server, identity: patNamed('server'), organizations: []},
];

test('the table has at least 160 requests with distinct titles', (t) => {
  t.true(hostileRequests.length >= 160, `${hostileRequests.length}`);
  t.is(new Set(hostileRequests.map(({title}) => title)).size, hostileRequests.length);
});

const withFallback = test.macro({
  exec: async (t, {bytes, who}: HostileRequest) => {
    const world = new World([...named, ...fallbacks]);
    const answer = await world.ask(bytes);
    t.is(whoGets(answer, world), who);
    t.is(world.issuer.count, isToken(who) ? 1 : 0);
    t.deepEqual(world.surprises, []);
    t.notRegex(answer, /^(?:protocol|host|path)=/m);
    // Another spelling of what was asked for, nothing else
    const url = URL.parse(/^url=(.*)$/m.exec(answer)?.[1] ?? '');
    if (url === null) return;
    const asked = decodeURIComponent(Buffer.from(bytes).toString()).toLowerCase();
    for (const part of [url.hostname, ...url.pathname.split('/')])
      t.true(asked.includes(part.toLowerCase()), part);
  },
  title: (_, {title, who}: HostileRequest) => `${title}: ${who}`,
});

for (const row of hostileRequests) test(withFallback, row);

test('without a fallback only named organizations get a token', async (t) => {
  for (const {title, bytes, who} of hostileRequests) {
    const world = new World(named);
    const answer = await world.ask(bytes);
    const wanted = who === 'fallback' || who === 'server' ? 'nothing' : who;
    t.is(whoGets(answer, world), wanted, title);
  }
});

test('a scoped socket serves only its organizations', async (t) => {
  for (const {title, bytes, who} of hostileRequests) {
    const world = new World([...named, ...fallbacks]);
    const gets = whoGets(await world.ask(bytes, scopedTo('contoso')), world);
    t.is(gets, isToken(who) && who !== 'contoso' ? 'nothing' : who, title);
  }
});

test('without a configuration every request gets nothing', async (t) => {
  for (const {title, bytes, who} of hostileRequests) {
    const world = new World([]);
    const gets = whoGets(await world.ask(bytes, everybody), world);
    t.is(gets, who === 'hello' || who === 'grant' ? who : 'nothing', title);
  }
});

function whoGets(answer: string, {reports}: World): string {
  if (!answer.startsWith(NOTHING)) return `an answer that does not greet: ${answer}`;
  const token = /^password=token-1 of (.+)$/m.exec(answer)?.[1];
  if (token !== undefined) return token;
  if (answer.includes('\nproof=')) return 'hello';
  if (answer.includes('\ndecision=grant\n')) return 'grant';
  if (answer !== NOTHING) return `something else: ${answer}`;
  return reports[0]?.answer.kind === 'done' ? 'done' : 'nothing';
}

function isToken(who: Who): boolean {
  return who !== 'nothing' && who !== 'done' && who !== 'hello' && who !== 'grant';
}
