import {inspect} from 'node:util';
import test from 'ava';
import type {Binding} from '../../src/identity/bindings.ts';
import {openSecretStore} from '../../src/store/secret-store.ts';
import {Secret} from '../../src/secret/secret.ts';
import {StoredLogins} from '../../src/login/stored-logins.ts';
import {FakeClock, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {World} from '../helpers/fake-respond.ts';
import {scratchDirectory} from '../helpers/scratch-directory.ts';

type StoredLoginsParts = ConstructorParameters<typeof StoredLogins>[0];

const NOTHING = 'orgkey=1\n';

function binding(
  host: string,
  {persist = false, organizations = []}: {persist?: boolean; organizations?: string[]} = {},
) {
  return {identity: {kind: 'stored', key: 'stored', persist}, host, organizations, place: 'test'} as const;
}

const everywhere: readonly Binding[] = [binding('*'), binding('dev.azure.com'), binding('azure.example.org')];

/** Logins behind a whole request. Each line of a request is `key=value`. */
class Desk {
  readonly clock = new FakeClock();
  readonly failures: string[] = [];
  readonly logins: StoredLogins;
  readonly #world: World;

  constructor(parts: Partial<StoredLoginsParts> = {}, bindings: readonly Binding[] = everywhere) {
    this.logins = new StoredLogins({
      clock: this.clock,
      archive: undefined,
      failed: (doing, error) =>
        this.failures.push(`${doing}: ${error instanceof Error ? error.message : ''}`),
      ...parts,
    });
    this.#world = new World(bindings, {logins: this.logins});
  }

  async get(...lines: string[]): Promise<string> {
    return this.#ask('get', 900, lines);
  }

  async store(...lines: string[]): Promise<string> {
    return this.storeFor(900, ...lines);
  }

  /** In seconds. */
  async storeFor(timeout: number, ...lines: string[]): Promise<string> {
    return this.#ask('get', timeout, ['operation=store', ...lines]);
  }

  async erase(...lines: string[]): Promise<string> {
    return this.#ask('erase', 900, lines);
  }

  get lastReason(): string {
    const answer = this.#world.reports.at(-1)?.answer;
    return answer !== undefined && 'reason' in answer ? answer.reason : '';
  }

  async #ask(action: string, timeout: number, lines: readonly string[]): Promise<string> {
    const text = [`action=${action}`, `timeout=${timeout}`, 'protocol=https', ...lines].map(
      (line) => `${line}\n`,
    );
    return this.#world.ask(Buffer.from(text.join('')));
  }
}

function served(...lines: readonly string[]): string {
  return [NOTHING, ...lines.map((line) => `${line}\n`)].join('');
}

const alice = ['host=a.example', 'username=alice', 'password=one'];

test('a stored login is served to matching requests only', async (t) => {
  const desk = new Desk();
  t.is(await desk.get('host=a.example'), NOTHING);
  t.is(await desk.store(...alice), NOTHING);
  t.is(desk.lastReason, 'kept');
  const answer = served('username=alice', 'password=one');
  t.is(await desk.get('host=a.example'), answer);
  t.is(await desk.get('host=a.example', 'username=alice'), answer);
  for (const other of ['host=b.example', 'host=A.example', 'host=a.example:8443', 'host=a.example.b.example'])
    t.is(await desk.get(other), NOTHING, other);
  t.is(await desk.get('host=a.example', 'username=bob'), NOTHING);
  t.is(await desk.get('host=a.example', 'username='), NOTHING);
  t.is(await desk.get('host=a.example', 'path=repository'), NOTHING);
});

test('a login survives when the bytes of its request are overwritten', async (t) => {
  const desk = new Desk();
  // the connection overwrites the bytes that it received
  const bytes = Buffer.from(
    'action=get\ntimeout=9\noperation=store\nprotocol=https\nhost=h\nusername=u\npassword=\xff\x01\n',
    'latin1',
  );
  const world = new World(everywhere, {logins: desk.logins});
  await world.ask(bytes);
  bytes.fill(0);
  t.is(
    await world.ask('action=get\ntimeout=9\nprotocol=https\nhost=h\n'),
    served('username=u', 'password=\xff\x01'),
  );
});

const incomplete: readonly (readonly [string, readonly string[], string])[] = [
  ['no password', ['username=u'], 'not kept: it has neither a password with its user name nor a header'],
  ['no user name', ['password=p'], 'not kept: it has neither a password with its user name nor a header'],
  [
    'half a header',
    ['username=u', 'authtype=Bearer'],
    'not kept: it has neither a password with its user name nor a header',
  ],
  [
    'the other half',
    ['username=u', 'credential=c'],
    'not kept: it has neither a password with its user name nor a header',
  ],
  ['ephemeral', ['username=u', 'password=p', 'ephemeral=1'], 'not kept: it is ephemeral'],
  ['ephemeral in words', ['username=u', 'password=p', 'ephemeral=true'], 'not kept: it is ephemeral'],
];
for (const [what, lines, reason] of incomplete) {
  test(`a login is not kept: ${what}`, async (t) => {
    const desk = new Desk();
    await desk.store('host=a.example', ...lines);
    t.is(desk.lastReason, reason);
    t.is(await desk.get('host=a.example', 'capability[]=authtype'), NOTHING);
    t.is(desk.logins.size, 0);
  });
}

test('an expiry and a refresh token come back, an unknown expiry does not', async (t) => {
  const desk = new Desk();
  await desk.store(...alice, 'password_expiry_utc=4102444800', 'oauth_refresh_token=again');
  t.is(
    await desk.get('host=a.example'),
    served('username=alice', 'password=one', 'password_expiry_utc=4102444800', 'oauth_refresh_token=again'),
  );
  for (const expiry of ['0', '-4', 'never']) {
    await desk.store(...alice, `password_expiry_utc=${expiry}`);
    t.is(await desk.get('host=a.example'), served('username=alice', 'password=one'), expiry);
  }
});

test('a header is served only to a git that accepts headers', async (t) => {
  const desk = new Desk();
  await desk.store('host=a.example', 'authtype=Bearer', 'credential=TOKEN');
  const header = served('capability[]=authtype', 'authtype=Bearer', 'credential=TOKEN');
  t.is(await desk.get('host=a.example', 'capability[]=authtype'), header);
  t.is(await desk.get('host=a.example'), NOTHING);
  t.is(desk.lastReason, 'what is stored is a header, for a newer git');
  await desk.store('host=b.example', 'username=u', 'password=p', 'authtype=Bearer', 'credential=TOKEN');
  t.is(await desk.get('host=b.example'), served('username=u', 'password=p'));
});

test('the first of several users is served, and each can be erased', async (t) => {
  const desk = new Desk();
  for (const user of ['alice', 'bob', 'carol'])
    await desk.store('host=a.example', `username=${user}`, `password=${user}1`);
  t.is(await desk.get('host=a.example'), served('username=alice', 'password=alice1'));
  await desk.erase('host=a.example', 'username=alice');
  t.is(await desk.get('host=a.example'), served('username=bob', 'password=bob1'));
  t.is(await desk.get('host=a.example', 'username=carol'), served('username=carol', 'password=carol1'));
  await desk.erase('host=a.example');
  t.is(desk.lastReason, 'dropped 2');
  t.is(desk.logins.size, 0);
});

test('only a login with the same secret is erased', async (t) => {
  const desk = new Desk();
  await desk.store(...alice);
  for (const lines of [
    ['password=two'],
    ['password='],
    ['credential=one'],
    ['password=one', 'credential=one'],
  ]) {
    await desk.erase('host=a.example', ...lines);
    t.is(desk.lastReason, 'nothing matches');
  }
  await desk.erase('host=b.example', 'password=one');
  await desk.erase('host=a.example', 'username=bob', 'password=one');
  t.is(desk.logins.size, 1);
  await desk.erase('host=a.example', 'password=one');
  t.is(desk.logins.size, 0);
});

test('a timeout counts suspended time and ignores a wall clock that is set', async (t) => {
  const desk = new Desk();
  await desk.storeFor(60, ...alice);
  desk.clock.set(-5 * MINUTE);
  desk.clock.pass(59 * SECOND);
  t.not(await desk.get('host=a.example'), NOTHING);
  desk.clock.set(5 * MINUTE);
  t.not(await desk.get('host=a.example'), NOTHING);
  desk.clock.pass(SECOND);
  t.is(await desk.get('host=a.example'), NOTHING);
  t.is(desk.logins.size, 0);
  await desk.storeFor(60, ...alice);
  await desk.storeFor(0, ...alice);
  t.is(await desk.get('host=a.example'), NOTHING);
  await desk.storeFor(60, ...alice);
  await desk.storeFor(-1, 'host=a.example', 'username=alice', 'password=two');
  t.is(desk.lastReason, 'not kept: it has no timeout');
  t.is(await desk.get('host=a.example'), served('username=alice', 'password=one'));
});

test('dropped logins are overwritten in memory', async (t) => {
  const desk = new Desk({capacity: 2});
  const seen: Secret[] = [];
  const store = async (timeout: number, user: string) => {
    await desk.storeFor(timeout, 'host=a.example', `username=${user}`, 'password=p', 'oauth_refresh_token=r');
    for (const secret of desk.logins.secrets()) if (!seen.includes(secret)) seen.push(secret);
  };
  await store(900, 'replaced');
  await store(900, 'replaced');
  await store(900, 'erased');
  await desk.erase('host=a.example', 'username=erased');
  await store(10, 'expired');
  desk.clock.pass(MINUTE);
  desk.logins.dropExpired();
  await store(900, 'oldest');
  await store(900, 'old');
  t.is(desk.logins.size, 2);
  await desk.logins.close();
  t.is(seen.length, 12);
  t.true(seen.every((secret) => secret.erased));
  t.is(desk.logins.size, 0);
});

test('beyond its bound, the store drops the login that was stored first', async (t) => {
  const desk = new Desk({capacity: 100});
  for (let at = 0; at < 250; at++) await desk.store(`host=h${at}.example`, 'username=u', `password=p${at}`);
  t.is(desk.logins.size, 100);
  t.is(await desk.get('host=h149.example'), NOTHING);
  t.is(await desk.get('host=h150.example'), served('username=u', 'password=p150'));
});

test('no output of a login shows its secret', async (t) => {
  const desk = new Desk();
  await desk.store(...alice, 'password_expiry_utc=4102444800', 'oauth_refresh_token=one');
  const login = desk.logins.find({
    protocol: 'https',
    host: 'a.example',
    path: undefined,
    username: undefined,
  });
  for (const shown of [
    inspect(login, {depth: 9}),
    JSON.stringify(login),
    String(login?.password),
    inspect(desk.logins, {depth: 9}),
  ])
    t.false(/one|111, ?110, ?101|6f 6e 65/.test(shown), shown);
});

// with Azure DevOps a login is for the organization, not the repository

const contoso = ['host=dev.azure.com', 'path=contoso/p/_git/r'];

const sameOrganization: readonly (readonly string[])[] = [
  contoso,
  ['host=dev.azure.com', 'path=Contoso/other/_git/q'],
  ['host=dev.azure.com:443', 'path=contoso'],
  ['host=contoso.visualstudio.com'],
  ['host=contoso.visualstudio.com', 'path=DefaultCollection/p/_git/r'],
  ['host=pkgs.dev.azure.com', 'path=contoso/_packaging/feed'],
];
const otherOrganization: readonly (readonly string[])[] = [
  ['host=dev.azure.com', 'path=fabrikam/p/_git/r'],
  ['host=dev.azure.com'],
  ['host=fabrikam.visualstudio.com', 'path=contoso/p'],
  ['host=dev.azure.com', 'path=contoso-labs/p/_git/r'],
  ['host=dev.azure.com', 'path='],
  ['host=a.example', 'path=contoso/p/_git/r'],
  ['host=azure.example.org', 'path=contoso/p/_git/r'],
];
test('with Azure DevOps a login is for the whole organization', async (t) => {
  const desk = new Desk();
  await desk.store(...contoso, 'username=alice', 'password=one');
  for (const lines of sameOrganization)
    t.is(await desk.get(...lines), served('username=alice', 'password=one'), lines.join(' '));
  for (const lines of otherOrganization) t.is(await desk.get(...lines), NOTHING, lines.join(' '));
  for (const lines of otherOrganization) await desk.erase(...lines);
  t.is(desk.logins.size, 1);
  await desk.erase(...(sameOrganization[3] ?? []), 'password=one');
  t.is(desk.logins.size, 0);
});

test('a login without an organization is not served for an organization', async (t) => {
  const desk = new Desk();
  await desk.store('host=dev.azure.com', 'username=al.ice', 'password=one');
  t.is(await desk.get('host=dev.azure.com'), served('username=al.ice', 'password=one'));
  for (const lines of sameOrganization) t.is(await desk.get(...lines), NOTHING);
});

test('with a server a login is for the whole collection', async (t) => {
  const desk = new Desk();
  await desk.store('host=azure.example.org', 'path=tfs/Main/p/_git/r', 'username=alice', 'password=one');
  t.is(await desk.get('host=azure.example.org', 'path=main/q'), served('username=alice', 'password=one'));
  t.is(await desk.get('host=azure.example.org', 'path=other/q'), NOTHING);
  t.is(await desk.get('host=azure.example.org'), NOTHING);
});

// persisted logins

const persisting: readonly Binding[] = [binding('*', {persist: true})];

/** An archive that waits for the test, and keeps bytes as a disk does. */
class SlowArchive implements NonNullable<StoredLoginsParts['archive']> {
  readonly held = new Map<string, Buffer>();
  broken = false;
  /** The calls so far. */
  readonly calls: string[] = [];
  /** What a change waits for. */
  changing: Promise<void> | undefined;
  readonly reading = Promise.withResolvers<void>();
  waits = false;

  async names(): Promise<string[]> {
    if (this.broken) throw new Error('broken');
    const names = [...this.held.keys()];
    if (this.waits) await this.reading.promise;
    return names;
  }

  async read(name: string): Promise<Secret | undefined> {
    if (this.broken) throw new Error('broken');
    const bytes = this.held.get(name);
    return bytes && new Secret(new Uint8Array(bytes));
  }

  async write(name: string, secret: Secret): Promise<void> {
    const bytes = secret.use((copied) => Buffer.from(copied));
    this.calls.push(`write ${name}`);
    if (this.changing) await this.changing;
    if (this.broken) throw new Error('broken');
    this.held.set(name, bytes);
  }

  async remove(name: string): Promise<void> {
    this.calls.push(`remove ${name}`);
    if (this.changing) await this.changing;
    if (this.broken) throw new Error('broken');
    this.held.delete(name);
  }
}

test('persisted logins outlive a restart and their timeout, on a real disk', async (t) => {
  const directory = scratchDirectory(t);
  const open = async () =>
    openSecretStore({directory, uid: process.getuid?.() ?? 0, key: Secret.fromText('k'.repeat(32))});
  const first = await open();
  const before = new Desk({archive: first.section('login ')}, persisting);
  await before.storeFor(1, ...alice, 'password_expiry_utc=4102444800', 'oauth_refresh_token=again');
  t.is(before.lastReason, 'kept, and persisted');
  await before.store('host=a.example', 'username=bob', 'password=two', 'path=x');
  await before.store('host=a.example', 'username=bob', 'password=three', 'path=x');
  await before.store('host=b.example', 'authtype=Bearer', 'credential=TOKEN');
  await before.store('host=c.example', 'username=', 'password=');
  await before.store('host=gone.example', 'username=u', 'password=p');
  await before.erase('host=gone.example');
  before.clock.pass(60 * MINUTE);
  await before.logins.close();
  t.is(before.logins.size, 0);

  const after = new Desk({archive: (await open()).section('login ')}, persisting);
  t.is(await after.get('host=a.example'), NOTHING);
  t.is(await after.logins.load(), 4);
  t.is(
    await after.get('host=a.example', 'username=alice'),
    served('username=alice', 'password=one', 'password_expiry_utc=4102444800', 'oauth_refresh_token=again'),
  );
  t.is(await after.get('host=a.example', 'path=x'), served('username=bob', 'password=three'));
  const header = served('capability[]=authtype', 'authtype=Bearer', 'credential=TOKEN');
  t.is(await after.get('host=b.example', 'capability[]=authtype'), header);
  t.is(await after.get('host=c.example'), served('username=', 'password='));
  t.is(await after.get('host=gone.example'), NOTHING);
  t.deepEqual([...before.failures, ...after.failures], []);
});

test('git is answered once the disk has the change, and others are served meanwhile', async (t) => {
  const archive = new SlowArchive();
  const desk = new Desk({archive}, persisting);
  for (const [change, answer] of [
    [() => desk.store(...alice), served('username=alice', 'password=one')],
    [() => desk.erase(...alice), NOTHING],
  ] as const) {
    const done = Promise.withResolvers<void>();
    archive.changing = done.promise;
    let isAnswered = false;
    const answered = change().then(() => (isAnswered = true));
    t.is(await desk.get('host=a.example'), answer);
    t.false(isAnswered);
    done.resolve();
    await answered;
    t.is(archive.held.size, answer === NOTHING ? 0 : 1);
  }
});

test('git does not wait for a disk that hangs', async (t) => {
  const archive = new SlowArchive();
  archive.changing = new Promise(() => undefined);
  const waited: Promise<unknown>[] = [];
  const waitFor = async (change: Promise<unknown>) => void waited.push(change);
  const desk = new Desk({archive, waitFor}, persisting);
  await desk.store(...alice);
  t.is(desk.lastReason, 'kept, but not persisted yet');
  t.is(await desk.get('host=a.example'), served('username=alice', 'password=one'));
  await desk.erase(...alice);
  t.is(await desk.get('host=a.example'), NOTHING);
  t.is(waited.length, 2);
});

test('a login that the disk has is not written again', async (t) => {
  const archive = new SlowArchive();
  const desk = new Desk({archive}, persisting);
  const name = '["https","a.example",null,"alice"]';
  const taken = (): string[] => archive.calls.splice(0);
  await desk.store(...alice);
  t.deepEqual(taken(), [`write ${name}`]);
  await desk.store(...alice);
  t.is(desk.lastReason, 'kept, and persisted');
  t.deepEqual(taken(), []);
  const user = ['host=a.example', 'username=alice'];
  for (const changed of [
    [...user, 'password=two'],
    [...user, 'password=two', 'password_expiry_utc=4102444800'],
    [...user, 'password=two', 'oauth_refresh_token=again'],
    [...user, 'authtype=Bearer', 'credential=TOKEN'],
  ]) {
    await desk.store(...changed);
    await desk.store(...changed);
    t.deepEqual(taken(), [`write ${name}`], changed.join());
  }
  archive.broken = true;
  await desk.store(...alice);
  t.is(desk.lastReason, 'kept, but not persisted yet');
  archive.broken = false;
  await desk.store(...alice);
  t.is(desk.lastReason, 'kept, and persisted');
  t.is(taken().length, 2, 'a failed write is tried again');
  await desk.erase(...alice);
  await desk.store(...alice);
  t.deepEqual(taken(), [`remove ${name}`, `write ${name}`]);
});

test('without persist a login stays in memory', async (t) => {
  const archive = new SlowArchive();
  const desk = new Desk({archive});
  await desk.store(...alice);
  t.is(desk.lastReason, 'kept');
  t.is(archive.held.size, 0);
});

test('requests during the reading of the archive win over what it holds', async (t) => {
  const archive = new SlowArchive();
  const before = new Desk({archive}, persisting);
  for (const host of ['kept', 'erased', 'replaced', 'spared'])
    await before.store(`host=${host}.example`, 'username=u', 'password=old');

  archive.waits = true;
  const desk = new Desk({archive}, persisting);
  const loading = desk.logins.load();
  t.is(await desk.get('host=kept.example'), NOTHING);
  await desk.erase('host=erased.example', 'password=old');
  await desk.erase('host=spared.example', 'password=another');
  await desk.store('host=replaced.example', 'username=u', 'password=new');
  archive.reading.resolve();
  t.is(await loading, 2);
  t.is(await desk.get('host=kept.example'), served('username=u', 'password=old'));
  t.is(await desk.get('host=erased.example'), NOTHING);
  t.is(await desk.get('host=spared.example'), served('username=u', 'password=old'));
  t.is(await desk.get('host=replaced.example'), served('username=u', 'password=new'));
  t.is(archive.held.size, 3);
  t.true(archive.held.get('["https","replaced.example",null,"u"]')?.includes('new'));
});

test('a failing archive is reported, and logins are served from memory', async (t) => {
  const archive = new SlowArchive();
  const desk = new Desk({archive}, persisting);
  archive.broken = true;
  t.is(await desk.logins.load(), 0);
  await desk.store(...alice);
  t.is(await desk.get('host=a.example'), served('username=alice', 'password=one'));
  await desk.erase(...alice);
  t.is(await desk.get('host=a.example'), NOTHING);
  await desk.logins.close();
  t.deepEqual(desk.failures, ['read: broken', 'written: broken', 'removed: broken']);
});

test('an archived entry that is not a login is reported, the others are read', async (t) => {
  const archive = new SlowArchive();
  await new Desk({archive}, persisting).store(...alice);
  const [sound = Buffer.alloc(0)] = archive.held.values();
  const damaged: Readonly<Record<string, Buffer>> = {
    empty: Buffer.from(''),
    text: Buffer.from('hello'),
    'another place': sound,
    'no host': Buffer.from('protocol=https\n'),
    'no utf-8': Buffer.from('protocol=https\nhost=\xff\n', 'latin1'),
  };
  for (const [name, bytes] of Object.entries(damaged)) archive.held.set(name, bytes);
  const desk = new Desk({archive}, persisting);
  t.is(await desk.logins.load(), 1);
  t.is(desk.failures.length, 5);
  t.false(desk.failures.join().includes('one'));
});

test('an archive with more logins than the bound is reduced to it', async (t) => {
  const archive = new SlowArchive();
  const before = new Desk({archive}, persisting);
  for (let at = 0; at < 30; at++) await before.store(`host=h${at}.example`, 'username=u', 'password=p');
  const desk = new Desk({archive, capacity: 10}, persisting);
  await desk.logins.load();
  t.is(desk.logins.size, 10);
  t.is(archive.held.size, 10);
});
