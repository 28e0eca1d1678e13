import test from 'ava';
import {Bindings, type Binding} from '../../src/identity/bindings.ts';
import type {Identity} from '../../src/identity/identity.ts';
import {ownerOf} from '../../src/organization/owner.ts';
import {identityNamed, patNamed} from '../helpers/fake-issuer.ts';

const services = {host: 'dev.azure.com', place: 'test'};
const server = {host: 'azure.example.org', place: 'test'};
const anywhere = {host: '*', place: 'test', organizations: []};

const all: readonly Binding[] = [
  {...services, identity: identityNamed('contoso'), organizations: ['Contoso', 'Contoso-Labs']},
  {...services, identity: identityNamed('fabrikam'), organizations: ['fabrikam']},
  {...services, identity: identityNamed('fallback'), organizations: []},
  {...server, identity: patNamed('collection'), organizations: ['My Collection', 'contoso', 'kilo', 'ÄRZTE']},
  {...server, identity: patNamed('server'), organizations: []},
  {host: 'tfs.example.org:8443', place: 'test', identity: patNamed('tfs'), organizations: ['team']},
  {...anywhere, identity: stored()},
];

const without = all.filter(({organizations, host}) => organizations.length > 0 && host !== '*');

const picks = test.macro({
  exec: (t, host: string, path: string | undefined, expected: string, otherwise: string) => {
    t.is(choose(new Bindings(all), host, path), expected);
    t.is(choose(new Bindings(without), host, path), otherwise);
  },
  title: (_, host: string, path: string | undefined, expected: string, otherwise: string) =>
    `${host} ${path ?? '(no path)'}: ${expected}, without fallbacks: ${otherwise}`,
});

test(picks, 'dev.azure.com', 'contoso/p', 'contoso by name', 'contoso by name');
test(picks, 'dev.azure.com', 'CONTOSO-labs/p', 'contoso by name', 'contoso by name');
test(picks, 'fabrikam.visualstudio.com', 'p', 'fabrikam by name', 'fabrikam by name');
test(picks, 'pkgs.dev.azure.com', 'fabrikam/x', 'fabrikam by name', 'fabrikam by name');
test(picks, 'dev.azure.com', 'other/p', 'fallback by fallback', 'no credential covers the organization');
test(picks, 'dev.azure.com', 'kilo/p', 'fallback by fallback', 'no credential covers the organization');
test(
  picks,
  'dev.azure.com',
  undefined,
  'fallback by fallback',
  'git sent no path: set credential.https://dev.azure.com.useHttpPath to true',
);
test(picks, 'dev.azure.com', '..', dots(), dots());
test(picks, 'azure.example.org', 'My Collection/p', 'collection by name', 'collection by name');
test(picks, 'azure.example.org', 'tfs/MY collection/p', 'collection by name', 'collection by name');
test(picks, 'azure.example.org', 'ärzte/p', 'collection by name', 'collection by name');
test(picks, 'azure.example.org', 'fabrikam/p', 'server by fallback', 'no credential covers the collection');
test(picks, 'azure.example.org', '\u212ailo/p', 'server by fallback', 'no credential covers the collection');
test(picks, 'azure.example.org', undefined, 'server by fallback', 'no credential covers the collection');
test(picks, 'tfs.example.org:8443', 'team/p', 'tfs by name', 'tfs by name');
test(
  picks,
  'tfs.example.org:8443',
  'contoso/p',
  'no credential covers the collection',
  'no credential covers the collection',
);
test(picks, 'git.example.com', 'contoso/p', 'stored by fallback', 'not an Azure DevOps host');
test(
  picks,
  'ssh.dev.azure.com',
  'contoso/p',
  'no host of Azure DevOps that serves git or feeds',
  'no host of Azure DevOps that serves git or feeds',
);

test('nothing but stored logins goes to other hosts, whatever is configured', (t) => {
  for (const identity of [patNamed('pat'), identityNamed('contoso')]) {
    const bindings = new Bindings([{...anywhere, identity}]);
    t.is(choose(bindings, 'git.example.com', 'x'), 'only stored logins are served on other hosts');
    t.is(choose(bindings, 'dev.azure.com', 'x'), 'no credential covers the organization');
  }
});

test('every binding can be listed', (t) => {
  t.is(new Bindings(all).all, all);
});

test('the hosts of Azure DevOps Services and the star are not servers', (t) => {
  const {serversAt} = new Bindings(all);
  t.deepEqual(serversAt('azure.example.org'), ['azure.example.org']);
  t.deepEqual(serversAt('tfs.example.org:8443'), ['tfs.example.org:8443']);
  for (const host of ['tfs.example.org', 'dev.azure.com', '*', 'git.example.com', ''])
    t.deepEqual(serversAt(host), [], host);
});

test('a server with virtual directories has one entry for each, and fallbacks of their own', (t) => {
  const bindings = new Bindings([
    onServer('ado.example.org/DevOps', 'named', ['Main']),
    onServer('ado.example.org/DevOps', 'rest'),
    onServer('ado.example.org', 'top', ['Main']),
  ]);
  t.deepEqual(bindings.serversAt('ado.example.org'), ['ado.example.org/DevOps', 'ado.example.org']);
  t.is(choose(bindings, 'ado.example.org', 'devops/MAIN/p'), 'named by name');
  t.is(choose(bindings, 'ado.example.org', 'devops/Other/p'), 'rest by fallback');
  t.is(choose(bindings, 'ado.example.org', 'main/p'), 'top by name');
  t.is(choose(bindings, 'ado.example.org', 'other/p'), 'no credential covers the collection');
  const only = new Bindings([onServer('ado.example.org/DevOps', 'rest')]);
  t.is(
    choose(only, 'ado.example.org', 'main/p'),
    'the path is outside the configured virtual directories of the host',
  );
  t.is(choose(bindings, 'ado.example.org', undefined), 'no credential covers the collection');
});

test('a binding without a valid name serves no organization', (t) => {
  const bindings = new Bindings([
    {...services, identity: identityNamed('x'), organizations: ['', 'no name', '__proto__']},
  ]);
  for (const path of ['x', '__proto__', 'constructor', '', 'no name'])
    t.notRegex(choose(bindings, 'dev.azure.com', path), /by/, path);
});

test('an organization among 100,000 is found without a scan', (t) => {
  let looks = 0;
  const many = Array.from({length: 100_000}, (_, index): Binding => {
    const binding = {...services, identity: identityNamed(`identity-${index}`)};
    return {
      ...binding,
      get organizations() {
        looks += 1;
        return [`organization-${index}`];
      },
    };
  });
  const bindings = new Bindings(many);
  const looksAtStart = looks;
  for (const index of [0, 1, 777, 50_000, 99_999]) {
    const found = choose(bindings, 'dev.azure.com', `Organization-${index}/p/_git/r`);
    t.is(found, `identity-${index} by name`);
    t.is(
      choose(new Bindings(many.slice(index, index + 1)), 'dev.azure.com', `organization-${index}/p`),
      found,
    );
  }
  t.is(choose(bindings, 'dev.azure.com', 'organization-100000/p'), 'no credential covers the organization');
  const looksOfOthers = 5 * 2;
  t.true(looks - looksAtStart <= looksOfOthers, `${looks - looksAtStart} looks`);
});

function choose(bindings: Bindings, host: string, path: string | undefined): string {
  const choice = bindings.choose(
    ownerOf({protocol: 'https', host, path, username: undefined}, bindings.serversAt),
  );
  return choice.kind === 'none' ? choice.reason : `${choice.binding.identity.key} by ${choice.by}`;
}

function stored(): Identity {
  return {kind: 'stored', key: 'stored', persist: false};
}

function dots(): string {
  return 'the path has an empty segment or dots for one';
}

function onServer(host: string, key: string, organizations: readonly string[] = []): Binding {
  return {...services, host, identity: patNamed(key), organizations};
}
