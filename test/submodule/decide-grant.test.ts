import test from 'ava';

import type {SocketScope} from '../../src/organization/socket-scope.ts';
import type {GrantRequest} from '../../src/protocol/request.ts';
import {decideGrant} from '../../src/submodule/decide-grant.ts';

const rules: Parameters<typeof decideGrant>[1] = [
  {organizations: ['contoso', 'contoso-labs'], host: 'ssh.dev.azure.com', repositories: []},
  {organizations: ['fabrikam'], host: 'ssh.dev.azure.com', repositories: ['Shared/*', 'Tools/build-*-kit']},
  {organizations: ['fabrikam'], host: 'ssh.dev.azure.com', repositories: ['Kit/*', 'Äpfel/*']},
  {organizations: ['main collection'], host: 'tfs.example.org', repositories: []},
  {organizations: ['main'], host: 'ports.example.org', repositories: []},
  {organizations: ['main', 'tools'], host: 'ports.example.org:2222', repositories: []},
  {organizations: ['tools'], host: 'ports.example.org:22', repositories: []},
];
const git: SocketScope = {name: 'git', organizations: undefined};

function ask(
  destination: string,
  command: string,
  {port, scope = git}: {port?: number; scope?: SocketScope} = {},
): string {
  const request: GrantRequest = {operation: 'grant', destination, port, command, directory: '/work'};
  const decision = decideGrant(request, rules, scope);
  switch (decision.kind) {
    case 'grant':
      return `grant ${decision.username}@${decision.host}:${decision.port} ${decision.organization}/${decision.project}/${decision.repository}`;
    case 'deny':
      return `deny ${decision.reason}`;
    case 'pass':
      return `pass ${decision.reason}`;
  }
}

const services = 'git@ssh.dev.azure.com';
const old = 'contoso@vs-ssh.visualstudio.com';
const server = 'git@tfs.example.org';
const read = (path: string) => `git-upload-pack '${path}'`;

const noRepository = 'pass the command names no repository';
const notAzure = 'pass no repository of Azure DevOps';
const notThatPath = 'deny the path is not that of a repository';
const noName = 'deny the path has a name that no project or repository has';

const table: readonly (readonly [destination: string, command: string, expected: string])[] = [
  // the forms that are granted
  [services, read('v3/contoso/Web/site'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  [services, read('/v3/contoso/Web/site'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  [services, read('v3/contoso/Web/site/'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  [services, read('v3/CONTOSO/Web/site'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  [services, read('v3/contoso/My%20Project/a%20b'), 'grant git@ssh.dev.azure.com:22 contoso/My Project/a b'],
  [services, read('v3/contoso/My Project/a b'), 'grant git@ssh.dev.azure.com:22 contoso/My Project/a b'],
  [services, read('v3/contoso/%C3%84pfel/B%C3%A4ume'), 'grant git@ssh.dev.azure.com:22 contoso/Äpfel/Bäume'],
  [
    services,
    read('v3/contoso-labs/Web/site.git'),
    'grant git@ssh.dev.azure.com:22 contoso-labs/Web/site.git',
  ],
  [services, `git-upload-pack 'v3/contoso/Web/now'\\!''`, 'grant git@ssh.dev.azure.com:22 contoso/Web/now!'],
  [
    'contoso@ssh.dev.azure.com',
    read('v3/contoso/Web/site'),
    'grant contoso@ssh.dev.azure.com:22 contoso/Web/site',
  ],
  ['ssh.dev.azure.com', read('v3/contoso/Web/site'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  ['git@SSH.dev.Azure.com', read('v3/contoso/Web/site'), 'grant git@ssh.dev.azure.com:22 contoso/Web/site'],
  [old, read('v3/contoso/Web/site'), 'grant contoso@vs-ssh.visualstudio.com:22 contoso/Web/site'],
  [old, read('/Web/_ssh/site'), 'grant contoso@vs-ssh.visualstudio.com:22 contoso/Web/site'],
  [
    old,
    read('/DefaultCollection/Web/_git/site'),
    'grant contoso@vs-ssh.visualstudio.com:22 contoso/Web/site',
  ],
  [old, read('/_ssh/site'), 'grant contoso@vs-ssh.visualstudio.com:22 contoso/site/site'],
  [old, read('/Web/_ssh/_full/site'), 'grant contoso@vs-ssh.visualstudio.com:22 contoso/Web/site'],
  [
    server,
    read('/tfs/Main Collection/Web/_git/site'),
    'grant git@tfs.example.org:22 main collection/Web/site',
  ],
  [server, read('/Main%20Collection/_git/site'), 'grant git@tfs.example.org:22 main collection/site/site'],
  [
    server,
    read('/tfs/main collection/Web/_ssh/site'),
    'grant git@tfs.example.org:22 main collection/Web/site',
  ],
  [services, read('v3/fabrikam/Shared/anything'), 'grant git@ssh.dev.azure.com:22 fabrikam/Shared/anything'],
  [services, read('v3/fabrikam/shared/Anything'), 'grant git@ssh.dev.azure.com:22 fabrikam/shared/Anything'],
  [
    services,
    read('v3/fabrikam/Tools/build-linux-kit'),
    'grant git@ssh.dev.azure.com:22 fabrikam/Tools/build-linux-kit',
  ],
  // the second key of the organization
  [services, read('v3/fabrikam/Kit/site'), 'grant git@ssh.dev.azure.com:22 fabrikam/Kit/site'],
  [services, read('v3/fabrikam/äpfel/site'), 'grant git@ssh.dev.azure.com:22 fabrikam/äpfel/site'],

  // not ours: as if we were not there
  ['git@github.com', read('contoso/site'), 'pass no key for the host'],
  ['git@ssh.dev.azure.com.evil.example', read('v3/contoso/Web/site'), 'pass no key for the host'],
  ['git@ssh.dev.azure.com.', read('v3/contoso/Web/site'), 'pass no key for the host'],
  ['git@evil.example@ssh.dev.azure.com', read('v3/contoso/Web/site'), 'pass the destination is not valid'],
  ['git@ssh。dev。azure。com', read('v3/contoso/Web/site'), 'pass no key for the host'],
  ['git@contoso.visualstudio.com', read('/Web/_ssh/site'), 'pass no key for the host'],
  [services, read('v3/northwind/Web/site'), 'pass no key for the organization'],
  [services, "git-receive-pack 'v3/northwind/Web/site'", 'pass no key for the organization'],
  [services, read('V3/contoso/Web/site'), notAzure],
  [services, read('v2/contoso/Web/site'), notAzure],
  [services, read('contoso/Web/_git/site'), notAzure],
  [services, read('v3/con%74oso/Web/site'), notAzure],
  [services, read('v3//contoso/Web/site'), notAzure],
  [services, read('//v3/contoso/Web/site'), notAzure],
  [services, read('v3/contoso./Web/site'), notAzure],
  [services, read('v3/\u212aontoso/Web/site'), notAzure],
  [server, read('/tfs/Other/Web/_git/site'), 'pass no key for the organization'],
  ['git@vs-ssh.visualstudio.com', read('/Web/_ssh/site'), notAzure],
  ['northwind@vs-ssh.visualstudio.com', read('/Web/_ssh/site'), 'pass no key for the organization'],
  [services, 'sh', noRepository],
  [services, 'rm -rf /', noRepository],
  [services, '', noRepository],
  [services, "git-upload-pack 'v3/contoso/Web/site", noRepository],
  [services, "git-upload-pack 'v3/contoso/Web/site'; sh", noRepository],
  [services, "git-upload-pack 'v3/contoso/Web/site' && sh", noRepository],
  [services, "git-upload-pack 'v3/contoso/Web/site'\nsh", noRepository],
  [services, "git-upload-pack 'v3/contoso/$(sh)/site' `sh`", noRepository],
  [services, "GIT_TRACE=1 git-upload-pack 'v3/contoso/Web/site'", noRepository],
  [services, "/usr/bin/git-upload-pack 'v3/contoso/Web/site'", noRepository],

  // ours, and not a read of a repository
  [services, "git-receive-pack 'v3/contoso/Web/site'", 'deny the submodule key only reads, it does not push'],
  [
    services,
    "git-upload-archive 'v3/contoso/Web/site'",
    'deny the submodule key fetches, it makes no archives',
  ],
  [
    services,
    'git-lfs-authenticate v3/contoso/Web/site download',
    'deny Azure DevOps serves no LFS objects over ssh',
  ],
  [
    services,
    "git-lfs-transfer 'v3/contoso/Web/site' upload",
    'deny Azure DevOps serves no LFS objects over ssh',
  ],
  [services, "cat 'v3/contoso/Web/site'", 'deny the submodule key runs only git-upload-pack'],
  [services, 'git-upload-pack v3/contoso/Web/site', 'deny the command is not quoted as git does it'],
  [services, "git-upload-pack 'v3/contoso/Web/site' x", 'deny the command is not quoted as git does it'],
  [services, "git-upload-pack 'v3/contoso/We''b/site'", 'deny the command is not quoted as git does it'],
  [services, `git-upload-pack 'v3/contoso/Web/now!'`, 'deny the command is not quoted as git does it'],
  [services, read('v3/contoso/Web'), notThatPath],
  [services, read('v3/contoso'), notThatPath],
  [services, read('v3/contoso/Web/site/more'), notThatPath],
  [services, read('v3/contoso/Web/_git/site'), notThatPath],
  [services, read('v3/contoso//site'), noName],
  [services, read('v3/contoso/../site'), noName],
  [services, read('v3/contoso/Web/%2e%2e'), noName],
  [services, read('v3/contoso/Web/a%2Fb'), noName],
  [services, read('v3/contoso/Web/a%252Fb'), noName],
  [services, read('v3/contoso/Web/a%00b'), noName],
  [services, read('v3/contoso/Web/%E0%A4%A'), noName],
  [services, read('v3/contoso/Web/a\\b'), noName],
  [services, `git-upload-pack 'v3/contoso/Web/it'\\''s'`, noName],
  [old, read('/Web/site'), notThatPath],
  [server, read('/tfs/Main Collection/Web/site'), notThatPath],
  [server, read('/tfs/Main Collection/a/b/_git/site'), notThatPath],
  [
    'fabrikam@ssh.dev.azure.com',
    read('v3/contoso/Web/site'),
    'deny the user name is that of another organization',
  ],
  ['a b@tfs.example.org', read('/Main Collection/_git/site'), 'deny the user name is not valid'],
  [
    '-oProxyCommand=sh@tfs.example.org',
    read('/Main Collection/_git/site'),
    'deny the user name is not valid',
  ],
  [services, read('v3/fabrikam/Secret/site'), 'deny the key of fabrikam is not for Secret/site'],
  [services, read('v3/fabrikam/Tools/build-kit'), 'deny the key of fabrikam is not for Tools/build-kit'],
  [
    services,
    read('v3/fabrikam/Tools/build--kit'),
    'grant git@ssh.dev.azure.com:22 fabrikam/Tools/build--kit',
  ],
  [services, read('v3/fabrikam/\u212ait/site'), 'deny the key of fabrikam is not for \u212ait/site'],
  [services, read('v3/fabrikam/SharedX/site'), 'deny the key of fabrikam is not for SharedX/site'],
];

for (const [destination, command, expected] of table)
  test(`${destination} ${JSON.stringify(command)} → ${expected}`, (t) => {
    t.is(ask(destination, command), expected);
  });

test('a scoped socket grants its own organizations only', (t) => {
  const scope = {name: 'team', organizations: new Set(['contoso'])};
  t.regex(ask(services, read('v3/contoso/Web/site'), {scope}), /^grant/);
  t.is(ask(services, read('v3/contoso-labs/Web/site'), {scope}), 'pass outside the scope of the socket team');
  t.is(
    ask(services, "git-receive-pack 'v3/fabrikam/a/b'", {scope}),
    'pass outside the scope of the socket team',
  );
});

test('the more specific of two keys of an organization is used', (t) => {
  for (const [repository, place] of [
    ['Shared/any', 1],
    ['Kit/any', 2],
  ] as const)
    t.like(
      decideGrant(
        {
          operation: 'grant',
          destination: services,
          port: undefined,
          command: read(`v3/fabrikam/${repository}`),
          directory: '/',
        },
        rules,
        git,
      ),
      {kind: 'grant', rule: rules[place]},
    );
});

test('Azure DevOps Services use port 22, servers any port', (t) => {
  t.regex(ask(services, read('v3/contoso/Web/site'), {port: 22}), /^grant/);
  t.is(
    ask(services, read('v3/contoso/Web/site'), {port: 2222}),
    'deny ssh.dev.azure.com accepts ssh only at port 22',
  );
  t.regex(ask(server, read('/Main Collection/_git/site'), {port: 2222}), /^grant git@tfs.example.org:2222/);
});

test('a rule with a port precedes a rule for every port', (t) => {
  for (const [collection, port, host] of [
    ['main', 2222, 'ports.example.org:2222'],
    ['main', 2223, 'ports.example.org'],
    ['main', undefined, 'ports.example.org'],
    ['tools', 2222, 'ports.example.org:2222'],
    ['tools', 2223, undefined],
    ['tools', 22, 'ports.example.org:22'],
    ['tools', undefined, 'ports.example.org:22'],
  ] as const) {
    const request: GrantRequest = {
      operation: 'grant',
      destination: 'git@ports.example.org',
      port,
      command: read(`/tfs/${collection}/Web/_git/site`),
      directory: '/',
    };
    const decision = decideGrant(request, rules, git);
    t.is(decision.kind === 'grant' ? decision.rule.host : undefined, host, `${collection} ${port}`);
    t.like(decision, host === undefined ? {reason: 'no key for the organization'} : {port: port ?? 22});
  }
  t.is(
    ask('git@ports.example.org:2222', read('/tfs/main/Web/_git/site')),
    'pass the destination is not valid',
  );
});

const pushes: readonly (readonly [
  destination: string,
  port: number | undefined,
  path: string,
  setting: string,
])[] = [
  [
    services,
    undefined,
    'v3/contoso/My%20Project/site',
    'url.https://dev.azure.com/contoso/My%20Project/_git/.pushInsteadOf git@ssh.dev.azure.com:v3/contoso/My%20Project/',
  ],
  [
    services,
    22,
    '/v3/contoso/Web/site/',
    'url.https://dev.azure.com/contoso/Web/_git/.pushInsteadOf ssh://git@ssh.dev.azure.com:22/v3/contoso/Web/',
  ],
  [
    server,
    undefined,
    '/tfs/main collection/Web/_git/site',
    "url.https://tfs.example.org/main%20collection/Web/_git/.pushInsteadOf 'ssh://git@tfs.example.org/tfs/main collection/Web/_git/'",
  ],
];

for (const [destination, port, path, setting] of pushes)
  test(`a denied push to ${path} names the way for once and for always`, (t) => {
    const command = `git-receive-pack '${path}'`;
    const decision = decideGrant(
      {operation: 'grant', destination, port, command, directory: '/'},
      rules,
      git,
    );
    t.is(decision.kind, 'deny');
    const hint = decision.kind === 'deny' ? (decision.hint ?? '') : '';
    t.regex(hint, /^push over HTTPS: git push https:\/\/\S+\/_git\/site; for every push: git config /);
    t.true(hint.endsWith(setting), hint);
  });

function outcomeWith(command: string, option: string): string {
  const request = {
    operation: 'grant',
    destination: services,
    port: undefined,
    directory: '/',
    command,
  } as const;
  const decision = decideGrant({...request, option}, rules, git);
  return decision.kind === 'pass' ? decision.reason : decision.kind;
}

test('an unknown option of ssh keeps a grant away, but not a denial', (t) => {
  t.is(outcomeWith(read('v3/contoso/Web/site'), '-i'), 'the key is not used with the ssh option -i');
  for (const denied of [
    "git-receive-pack 'v3/contoso/Web/site'",
    'git-lfs-transfer v3/contoso/Web/site download',
  ])
    t.is(outcomeWith(denied, '-i'), 'deny');
});

test('the command is granted byte for byte', (t) => {
  const command = read('/v3/contoso/My%20Project/site/');
  const request: GrantRequest = {
    operation: 'grant',
    destination: services,
    port: undefined,
    command,
    directory: '/',
  };
  t.like(decideGrant(request, rules, git), {kind: 'grant', command, project: 'My Project'});
});
