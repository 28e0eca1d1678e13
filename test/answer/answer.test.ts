import test from 'ava';
import type {AnswerParts} from '../../src/answer/answer.ts';
import type {Binding} from '../../src/identity/bindings.ts';
import type {Remote} from '../../src/organization/remote.ts';
import {Secret} from '../../src/secret/secret.ts';
import type {Logins} from '../../src/login/logins.ts';
import {DAY, HOUR, MINUTE, SECOND} from '../helpers/fake-clock.ts';
import {failure, fingerprintOf, identityNamed, patNamed, settle} from '../helpers/fake-issuer.ts';
import {World, everybody, getFor, request, scopedTo} from '../helpers/fake-respond.ts';

const NOTHING = 'orgkey=1\n';
const clientId = '9f000000-0000-0000-0000-000000000000';
const newest = ['capability[]=authtype', 'capability[]=state'];
const services = {host: 'dev.azure.com', place: 'test'};

const bindings: readonly Binding[] = [
  {...services, identity: identityNamed('app'), organizations: ['contoso', 'contoso-labs']},
  {...services, identity: patNamed('pat'), organizations: ['fabrikam']},
  {...services, identity: identityNamed('fallback'), organizations: []},
  {host: 'azure.example.org', place: 'test', identity: patNamed('server'), organizations: []},
  {host: '*', place: 'test', identity: {kind: 'stored', key: 'stored', persist: false}, organizations: []},
];

function world(more: Partial<AnswerParts> = {}): World {
  const made = new World(bindings, more);
  usual(made);
  return made;
}

/** Access tokens of an hour, and personal access tokens without an end. */
function usual({issuer}: World): void {
  issuer.answers(({identity: {kind, key}}, count) =>
    issuer.token(`${key}-${count}`, kind === 'pat' ? {kind: 'pat', life: undefined} : {life: HOUR}),
  );
}

function expiryOf({clock}: World, left = HOUR): string {
  return `password_expiry_utc=${Math.floor((clock.wall() + left) / 1000)}`;
}

function lines(...all: readonly string[]): string {
  return ['orgkey=1', ...all, ''].join('\n');
}

test('a foreign host or an organization that is not configured gets nothing', async (t) => {
  const only = new World(bindings.slice(0, 2));
  t.is(await only.ask(getFor('unknown', ...newest)), NOTHING);
  t.is(await only.ask(request('get', ...newest, 'protocol=https', 'host=github.com', 'path=x')), NOTHING);
  t.is(await only.ask(request('get', 'protocol=https', 'host=dev.azure.com')), NOTHING);
  t.is(only.issuer.count, 0);
});

test('a git that takes headers gets an access token as Bearer', async (t) => {
  const our = world();
  const answer = lines(
    'capability[]=authtype',
    'ephemeral=1',
    expiryOf(our),
    'authtype=Bearer',
    'credential=app-1',
  );
  t.is(await our.ask(getFor('contoso', 'capability[]=authtype')), answer);
  t.is(await our.ask(getFor('contoso', 'capability[]=authtype')), answer);
});

test('an older git gets an access token under its own or the client’s user name', async (t) => {
  const our = world();
  t.is(await our.ask(getFor('contoso')), lines(`username=${clientId}`, 'password=app-1', expiryOf(our)));
  t.is(
    await our.ask(getFor('contoso', 'username=me')),
    lines('username=me', 'password=app-1', expiryOf(our)),
  );
  t.is(
    await our.ask(getFor('contoso', 'capability[]=state')),
    lines(`username=${clientId}`, 'password=app-1', expiryOf(our)),
  );
});

test('a personal access token goes as Basic header or as password', async (t) => {
  const our = world();
  const pair = Buffer.from('orgkey:pat-1').toString('base64');
  t.is(
    await our.ask(getFor('fabrikam', 'capability[]=authtype')),
    lines('capability[]=authtype', 'ephemeral=1', 'authtype=Basic', `credential=${pair}`),
  );
  t.is(await our.ask(getFor('fabrikam')), lines('username=orgkey', 'password=pat-1'));
  t.is(await our.ask(getFor('fabrikam', 'username=a:b')), lines('username=orgkey', 'password=pat-1'));
});

test('the newest git may ask again for a token from the cache', async (t) => {
  const our = world();
  t.notRegex(await our.ask(getFor('contoso', ...newest)), /state|continue/);
  const state = `orgkey.1.${fingerprintOf('app-1')}`;
  t.is(
    await our.ask(getFor('contoso', ...newest)),
    lines(
      'capability[]=authtype',
      'ephemeral=1',
      'capability[]=state',
      `state[]=${state}`,
      'state[]=orgkey.settled',
      'continue=1',
      expiryOf(our),
      'authtype=Bearer',
      'credential=app-1',
    ),
  );
  for (const more of [['authtype='], ['authtype=Bearer'], ['state[]=x'], ['authtype=', 'state[]=x']])
    t.notRegex(await our.ask(getFor('contoso', ...newest, ...more)), /state|continue/, more.join());
});

test('a token that was rejected with 401 is replaced when git asks again', async (t) => {
  const our = world();
  await our.ask(getFor('contoso', ...newest));
  const again = getFor('contoso', ...newest, 'authtype=', `state[]=orgkey.1.${fingerprintOf('app-1')}`);
  const answer = lines(
    'capability[]=authtype',
    'ephemeral=1',
    expiryOf(our),
    'authtype=Bearer',
    'credential=app-2',
  );
  t.is(await our.ask(again), answer);
  // seven other clients had the same token: each gets the fresh one, and none drops it
  for (let other = 0; other < 7; other++) t.is(await our.ask(again), answer);
  t.is(our.issuer.count, 2);
});

test('a made-up state drops nothing and explains nothing', async (t) => {
  const our = world();
  await our.ask(getFor('contoso', ...newest));
  for (let number = 0; number < 50; number++) {
    const state = `state[]=orgkey.1.${number.toString(16).padStart(16, '0')}`;
    t.regex(await our.ask(getFor('contoso', ...newest, 'authtype=', state)), /\ncredential=app-1\n/);
  }
  t.is(our.issuer.count, 1);
});

test('a failing organization reports what failed, why and the repair, and git stops', async (t) => {
  const our = world();
  our.issuer.answers(() => ({
    kind: 'failed',
    failure: {
      code: 'AADSTS7000222',
      message: 'the client secret is over',
      hint: 'Make a new one.',
      retryAfter: undefined,
    },
  }));
  t.is(
    await our.ask(getFor('Contoso', ...newest)),
    lines(
      'orgkey-error=contoso: managed identity 9f000000…: the client secret is over (AADSTS7000222)'.replace(
        '…',
        '\u00e2\u0080\u00a6',
      ),
      'orgkey-hint=Make a new one.',
      'orgkey-hint=run: orgkey doctor contoso',
      'quit=1',
    ),
  );
});

test('with onFailure: pass the reason is reported too, and git continues', async (t) => {
  const our = world({onFailure: 'pass'});
  our.issuer.fails();
  const answer = await our.ask(getFor('contoso'));
  t.regex(answer, /orgkey-error=/);
  t.notRegex(answer, /quit/);
});

test('a fallback that fails does not stop git', async (t) => {
  const our = world();
  our.issuer.fails();
  for (const asked of [getFor('unknown'), request('get', 'protocol=https', 'host=dev.azure.com')]) {
    const answer = await our.ask(asked);
    t.regex(answer, /orgkey-error=/);
    t.notRegex(answer, /quit/);
  }
});

test('foreign text stays in its line, and no hint holds a foreign command', async (t) => {
  const our = world();
  our.issuer.answers(() => failure('X\nquit=1\r\u001b[2J\u202e'));
  const hostile = request(
    'get',
    'protocol=https',
    'host=azure.example.org',
    'path=$(touch x);`y`\u001b/p',
    'username=z',
  );
  t.is(await our.ask(hostile), NOTHING);
  const answer = await our.ask(
    request('get', 'protocol=https', 'host=azure.example.org', 'path=$(touch x);`y`/p'),
  );
  t.is(
    answer,
    lines(
      'orgkey-error=azure.example.org/$(touch x);`y`: personal access token: failed with X\\u{a}quit=1\\u{d}\\u{1b}[2J\\u{202e} (X\\u{a}quit=1\\u{d}\\u{1b}[2J\\u{202e})',
      'orgkey-hint=run: orgkey doctor',
    ),
  );
  t.regex(
    await our.ask(request('get', 'protocol=https', 'host=azure.example.org', 'path=My.Team_1/p')),
    /doctor my\.team_1\n/,
  );
});

const erase = (organization: string, ...more: readonly string[]) =>
  request('erase', 'protocol=https', 'host=dev.azure.com', `path=${organization}/p/_git/r`, ...more);
const store = (organization: string, ...more: readonly string[]) =>
  getFor(organization, 'operation=store', ...more);

test('an erase counts only if it carries the very token', async (t) => {
  for (const wrong of [
    ['username=x'],
    ['username=x', 'password='],
    ['password=app-2'],
    ['password=app-1 '],
    ['authtype=Bearer', 'credential=app-2'],
    ['authtype=Basic', 'credential=app-1'],
  ]) {
    const our = world();
    await our.ask(getFor('contoso'));
    t.is(await our.ask(erase('contoso', ...wrong)), NOTHING);
    t.is(our.reports.at(-1)?.answer.kind, 'done');
    t.regex(await our.ask(getFor('contoso')), /app-1/, wrong.join());
  }
  for (const right of [
    ['password=app-1'],
    ['username=x', 'password=app-1', 'password_expiry_utc=5'],
    ['authtype=Bearer', 'credential=app-1'],
    ['authtype=Basic', `credential=${btoa('x:app-1')}`],
  ]) {
    const our = world();
    await our.ask(getFor('contoso'));
    t.regex(await our.ask(erase('contoso', ...right)), /^orgkey-error=contoso: .*\(ERR_NOT_ACCEPTED\)$/m);
    t.regex(await our.ask(getFor('contoso')), /app-2/, right.join());
  }
});

test('an erase for one organization leaves the token of the others', async (t) => {
  const our = world();
  our.issuer.answers(() => our.issuer.token('the same', {life: DAY}));
  await our.ask(getFor('contoso'));
  await our.ask(erase('contoso', 'password=the same'));
  t.regex(await our.ask(getFor('contoso')), /ERR_NOT_ACCEPTED.*quit=1/s);
  t.regex(await our.ask(getFor('contoso-labs')), /password=the same/);
  t.regex(
    await our.ask(getFor('contoso'), scopedTo('contoso')),
    /ERR_NOT_ACCEPTED/,
    'Azure DevOps confirmed it',
  );
});

test('an erase outside the scope of its socket does nothing', async (t) => {
  const our = world();
  await our.ask(getFor('contoso'));
  await our.ask(erase('contoso', 'password=app-1'), scopedTo('fabrikam'));
  t.regex(await our.ask(getFor('contoso')), /app-1/);
});

test('git-lfs, which repeats get and erase, comes to an end', async (t) => {
  for (const sameAgain of [false, true]) {
    const our = world();
    our.issuer.answers((_, count) => our.issuer.token(sameAgain ? 'token' : `token-${count}`, {life: DAY}));
    let rounds = 0;
    let answer = '';
    for (; rounds < 100; rounds++) {
      answer = await our.ask(getFor('contoso', 'capability[]=authtype'));
      const token = /^credential=(.*)$/m.exec(answer)?.[1];
      if (token === undefined) break;
      await our.ask(erase('contoso', 'authtype=Bearer', `credential=${token}`));
    }
    t.is(rounds, sameAgain ? 1 : 2);
    t.regex(answer, /orgkey-error=.*ERR_NOT_ACCEPTED.*\nquit=1\n$/s);
    t.is(our.issuer.count, 2);
    for (let second = 0; second < 60; second++) {
      t.regex(await our.ask(getFor('contoso')), /quit=1/);
      our.clock.pass(SECOND);
    }
    t.is(our.issuer.count, 2);
    t.regex(await our.ask(getFor('contoso')), /password=/);
  }
});

test('an endless loop forces at most one acquisition a minute', async (t) => {
  for (const scope of [everybody, scopedTo('contoso')]) {
    const our = world();
    let given = 0;
    for (let second = 0; second < 600; second++) {
      for (let many = 0; many < 3; many++) {
        const answer = await our.ask(getFor('contoso'), scope);
        const token = /^password=(.*)$/m.exec(answer)?.[1];
        if (token === undefined) continue;
        given += 1;
        await our.ask(erase('contoso', `password=${token}`), scope);
      }
      our.clock.pass(SECOND);
    }
    t.true(given <= 12, `${given} tokens`);
    t.true(our.issuer.count <= 12, `${our.issuer.count} acquisitions`);
    t.true(given >= 10, `${given} tokens`);
  }
});

test('git’s retries with a state come to an end, too', async (t) => {
  const our = world();
  await our.ask(getFor('contoso', ...newest));
  const first = await our.ask(getFor('contoso', ...newest));
  const state = /^state\[\]=.*$/m.exec(first)?.[0] ?? '';
  t.regex(await our.ask(getFor('contoso', ...newest, 'authtype=', state)), /app-2/);
  await our.ask(erase('contoso', 'authtype=Bearer', 'credential=app-2'));
  t.regex(await our.ask(getFor('contoso', ...newest)), /ERR_NOT_ACCEPTED/);
  t.is(our.issuer.count, 2);
});

test('a rejection of the replacement token is explained at once and stops no other client', async (t) => {
  const our = world();
  for (const token of ['app-1', 'app-2']) {
    t.regex(await our.ask(getFor('contoso')), new RegExp(`password=${token}\n`));
    const answer = await our.ask(erase('contoso', `password=${token}`));
    t.regex(answer, /^orgkey=1\norgkey-error=contoso: .*\(ERR_NOT_ACCEPTED\)\n(?:orgkey-hint=.*\n)+$/);
  }
  t.regex(await our.ask(getFor('contoso')), /ERR_NOT_ACCEPTED.*\nquit=1\n$/s);
  t.is(await our.ask(erase('contoso', 'password=app-1')), NOTHING, 'an old one matches no longer');
});

const A = 'aaaaaaaa-1111-4111-8111-111111111111';
const B = 'bbbbbbbb-2222-4222-8222-222222222222';
const secretive = {clientId, clientSecret: {from: 'keyring', name: 'x'}, key: 'app'} as const;
const appOf = (tenantId: string) => ({kind: 'client-secret', tenantId, ...secretive}) as const;
const personOf = (tenantId: string) =>
  ({
    kind: 'sign-in',
    method: 'browser',
    issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
    clientId,
    clientSecret: undefined,
    scopes: [],
    key: 'person',
  }) as const;

for (const [title, identity, tenant, code, hint] of [
  [
    'of another tenant',
    appOf(A),
    B,
    'AADSTS700016',
    `is connected to the tenant ${B}, and this identity is of ${A}: set tenantId: ${B}`,
  ],
  ['of a person of another tenant', personOf(A), B, 'ERR_NOT_ACCEPTED', `and this identity is of ${A}`],
  ['of the same tenant', appOf(A), A, 'ERR_NOT_ACCEPTED', undefined],
  [
    'a managed identity’s that is refused',
    identityNamed('mi'),
    B,
    'ERR_NOT_ACCEPTED',
    `see that the identity is in it`,
  ],
  ['a managed identity’s that is not there', identityNamed('mi'), B, 'ERR_NO_SUCH_IDENTITY', undefined],
  ['a personal access token’s', patNamed('pat'), B, 'ERR_NOT_ACCEPTED', undefined],
] as const) {
  test(`the tenant that the server names is compared: ${title}`, async (t) => {
    const our = new World([{...services, identity, organizations: ['contoso']}]);
    our.issuer.answers(() => failure(code));
    const challenge = `wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/${tenant}`;
    const hints = (await our.ask(getFor('contoso', challenge))).match(/orgkey-hint=.*/g) ?? [];
    t.is(hints.at(-1), 'orgkey-hint=run: orgkey doctor contoso');
    t.is(hints.length, hint === undefined ? 1 : 2);
    if (hint !== undefined) t.true(hints[0]?.includes(hint), hints[0]);
  });
}

test('an organization of Microsoft accounts is recognized by its challenges', async (t) => {
  const our = new World([{...services, identity: appOf(A), organizations: ['contoso']}]);
  our.issuer.answers(() => failure('ERR_NOT_ACCEPTED'));
  const challenges = ['Bearer', 'Basic realm="x"', 'TFS-Federated'].map((line) => `wwwauth[]=${line}`);
  t.regex(
    await our.ask(getFor('contoso', ...challenges)),
    /orgkey-hint=.* only personal access tokens there/,
  );
  t.notRegex(await our.ask(getFor('contoso', 'wwwauth[]=Bearer')), /personal access tokens/);
});

for (const [identity, hint] of [
  [appOf(A), /sign-in logs/],
  [personOf(A), /run: orgkey doctor|sign in again: orgkey login contoso/],
] as const) {
  test(`a claims challenge is explained to a ${identity.kind} as a policy`, async (t) => {
    const our = new World([{...services, identity, organizations: ['contoso']}]);
    our.issuer.answers(() => failure('ERR_NOT_ACCEPTED'));
    const challenge = `wwwauth[]=Bearer realm="", authorization_uri="https://login.microsoftonline.com/${A}/oauth2/authorize", error="insufficient_claims", error_description="Access was\\u202e revoked", claims="e30="`;
    const answer = await our.ask(getFor('contoso', challenge));
    t.regex(answer, /a policy of the tenant ended this token: Access was.* \(ERR_CLAIMS_CHALLENGE\)/);
    t.regex(answer, hint);
    t.notRegex(answer, /Basic access/);
  });
}

const storeOf = (way: string, token: string) =>
  way === 'git'
    ? request('store', 'protocol=https', 'host=dev.azure.com', 'path=contoso/p/_git/r', `password=${token}`)
    : store('contoso', `password=${token}`);

test('a store confirms the token and ends earlier rejections', async (t) => {
  for (const way of ['git', 'our script']) {
    const our = world();
    for (let round = 1; round < 5; round++) {
      t.regex(await our.ask(getFor('contoso')), new RegExp(`app-${round}\n`));
      t.is(await our.ask(storeOf(way, `app-${round}`)), NOTHING);
      const told = our.reports.at(-1)?.answer;
      t.is(told?.kind === 'done' ? told.reason : '', 'confirmed');
      await our.ask(erase('contoso', `password=app-${round}`));
    }
  }
});

test('a store of another credential confirms nothing and is not kept', async (t) => {
  const our = world();
  await our.ask(getFor('contoso'));
  await our.ask(erase('contoso', 'password=app-1'));
  await our.ask(getFor('contoso'));
  for (const wrong of [['password=app-1'], ['password=other'], [], ['username=app-2']]) {
    await our.ask(store('contoso', ...wrong));
    const told = our.reports.at(-1)?.answer;
    t.is(told?.kind === 'done' ? told.reason : '', 'not the credential that was given', wrong.join());
  }
  await our.ask(erase('contoso', 'password=app-2'));
  t.regex(await our.ask(getFor('contoso')), /ERR_NOT_ACCEPTED/);
});

test('a scoped socket forces one acquisition a minute for all its organizations', async (t) => {
  const our = world();
  const scope = scopedTo('contoso', 'contoso-labs', 'fabrikam');
  for (const organization of ['contoso', 'contoso-labs', 'fabrikam'])
    await our.ask(getFor(organization), scope);
  t.is(our.issuer.count, 2);
  await our.ask(erase('contoso', 'password=app-1'), scope);
  await our.ask(erase('fabrikam', 'password=pat-2'), scope);
  t.regex(await our.ask(getFor('contoso'), scope), /password=app-3/);
  t.regex(await our.ask(getFor('fabrikam'), scope), /ERR_REPOSITORY_REJECTED/);
  t.is(our.issuer.count, 3);
  our.clock.pass(MINUTE);
  t.regex(await our.ask(getFor('fabrikam'), scope), /password=pat-4/);
});

test('a thousand simultaneous gits cause one acquisition, and all are answered', async (t) => {
  const our = world();
  our.issuer.holdBack();
  const all = Array.from({length: 1000}, (_, index) =>
    our.ask(getFor(index % 2 ? 'contoso' : 'contoso-labs')),
  );
  await settle();
  await our.issuer.release();
  for (const answer of await Promise.all(all)) t.regex(answer, /password=app-1\n/);
  t.is(our.issuer.count, 1);
});

test('clients of two tenants never get each other’s token', async (t) => {
  const our = world();
  const asked = Array.from(
    {length: 300},
    (_, index) => (['contoso', 'fabrikam', 'unknown'] as const)[index % 3] ?? '',
  );
  const answers = await Promise.all(asked.map((organization) => our.ask(getFor(organization))));
  const names = {contoso: 'app', fabrikam: 'pat', unknown: 'fallback'};
  for (const [index, answer] of answers.entries()) {
    const name = names[asked[index] as keyof typeof names];
    t.regex(answer, new RegExp(`password=${name}-\\d\n`));
  }
});

/** One login for each place, and what was asked of them. */
class FakeLogins implements Logins {
  readonly calls: string[] = [];
  readonly #header: boolean;

  constructor(header = false) {
    this.#header = header;
  }

  find({host, path}: Remote): ReturnType<Logins['find']> {
    this.calls.push(`find ${host} ${path}`);
    return {
      username: 'me',
      password: this.#header ? undefined : Secret.fromText(`of ${host}`),
      authtype: 'Bearer',
      credential: Secret.fromText('header'),
      expiresAt: undefined,
      refreshToken: undefined,
    };
  }

  async store({host}: Remote, _: unknown, {persist}: {readonly persist: boolean}): Promise<string> {
    this.calls.push(`store ${host} ${persist}`);
    return 'kept';
  }

  async erase({host}: Remote): Promise<string> {
    this.calls.push(`erase ${host}`);
    return 'erased';
  }
}

const elsewhere = ['protocol=https', 'host=git.example.com', 'path=x'];

test('a stored login is served unchanged, a header only to a git that takes it', async (t) => {
  const logins = new FakeLogins();
  const our = world({logins});
  t.is(await our.ask(request('get', ...elsewhere)), lines('username=me', 'password=of git.example.com'));
  t.is(
    await our.ask(request('get', ...newest, ...elsewhere)),
    lines(
      'capability[]=authtype',
      'username=me',
      'password=of git.example.com',
      'authtype=Bearer',
      'credential=header',
    ),
  );
  t.is(await world({logins: new FakeLogins(true)}).ask(request('get', ...elsewhere)), NOTHING);
  t.is(await world().ask(request('get', ...elsewhere)), NOTHING);
  t.is(our.issuer.count, 0);
});

test('stored logins are kept and erased, but not over a scoped socket', async (t) => {
  const logins = new FakeLogins();
  const our = world({logins});
  const all = [
    request('get', ...elsewhere),
    request('store', ...elsewhere, 'password=x'),
    request('get', 'operation=store', ...elsewhere, 'password=x'),
    request('erase', ...elsewhere, 'password=x'),
  ];
  for (const asked of all) t.is(await our.ask(asked, scopedTo('git.example.com', 'x')), NOTHING);
  t.deepEqual(logins.calls, []);
  for (const asked of all) await our.ask(asked);
  t.deepEqual(logins.calls, [
    'find git.example.com x',
    'store git.example.com false',
    'store git.example.com false',
    'erase git.example.com',
  ]);
});

test('a stored login for Azure DevOps is not served over a scoped socket', async (t) => {
  const logins = new FakeLogins();
  const stored: Binding = {
    ...services,
    identity: {kind: 'stored', key: 's', persist: true},
    organizations: ['contoso'],
  };
  const our = new World([stored], {logins});
  t.is(await our.ask(getFor('contoso'), scopedTo('contoso')), NOTHING);
  t.is(await our.ask(store('contoso', 'password=x'), scopedTo('contoso')), NOTHING);
  t.deepEqual(logins.calls, []);
  t.regex(await our.ask(getFor('contoso')), /password=of dev\.azure\.com/);
});

test('an invalid configuration is reported, and git continues', async (t) => {
  const our = new World([], {reasonForNone: 'config.yaml:1:1: no'});
  t.is(
    await our.ask(getFor('contoso')),
    lines(
      'orgkey-error=no configuration is in force: config.yaml:1:1: no',
      'orgkey-hint=run: orgkey config check',
    ),
  );
  t.is(await our.ask(request('get', ...elsewhere)), NOTHING);
});

test('a token that is erased while it is sent never arrives as zeros', async (t) => {
  const our = world();
  our.issuer.answers(() => {
    const acquisition = our.issuer.token('app-1');
    if (acquisition.kind === 'token') acquisition.token.secret.erase();
    return acquisition;
  });
  const answer = await our.ask(getFor('contoso'));
  t.notRegex(answer, /password|\0/);
  t.regex(answer, /orgkey-error=/);
  t.is(our.surprises.length, 1);
});

test('no report contains a secret, whatever the request', async (t) => {
  const our = world();
  our.issuer.answers(() => our.issuer.token('canary-5f0a'));
  await our.ask(getFor('contoso', ...newest));
  await our.ask(getFor('contoso', ...newest));
  await our.ask(store('contoso', 'password=canary-5f0a'));
  await our.ask(erase('contoso', 'password=canary-5f0a'));
  t.is(our.reports.length, 4);
  for (const {answer, answered} of our.reports)
    t.false(JSON.stringify([answer, answered]).includes('canary-5f0a'));
});
