import test from 'ava';
import {locateRepository} from '../../../src/gateway/rule/repository.ts';
import {
  allowsRef,
  allowsRepository,
  parseRepositoryPattern,
  type Rule,
} from '../../../src/gateway/rule/rule.ts';

function ruleOf(pattern: string): Rule {
  const parsed = parseRepositoryPattern(pattern);
  if (parsed === undefined) throw new Error(`not a pattern: ${pattern}`);
  return {repositories: [parsed], push: [], deletions: false, lfs: true};
}

const repository = test.macro({
  exec(t, pattern: string, address: string, isAllowed: boolean) {
    const [host, path] = cut(address);
    const found = locateRepository(host, path, (name) => SERVERS.filter((server) => server.startsWith(name)));
    if ('reason' in found) return t.fail(found.reason);
    t.is(allowsRepository(ruleOf(pattern), found.repository), isAllowed);
  },
  title: (_, pattern: string, address: string, isAllowed: boolean) =>
    `${pattern} ${isAllowed ? 'allows' : 'denies'} ${address}`,
});

const SERVICES = 'dev.azure.com';
const SERVERS = ['tfs.example.org', 'ado.example.org/DevOps'];
const ID = '0f0e0d0c-0b0a-4908-8706-050403020100';
test(repository, 'contoso/web/site', `${SERVICES}/contoso/web/_git/site`, true);
test(repository, 'Contoso/WEB/Site', `${SERVICES}/contoso/Web/_git/site`, true);
test(repository, 'contoso/web/site', 'contoso.visualstudio.com/Web/_git/site', true);
test(repository, 'contoso/web/site', `${SERVICES}/contoso/web/_git/site2`, false);
test(repository, 'contoso/web/site', `${SERVICES}/contoso/web/_git/site.git`, false);
test(repository, 'contoso/web/*', `${SERVICES}/contoso/web/_git/anything`, true);
test(repository, 'contoso/web/*', `${SERVICES}/contoso/webs/_git/anything`, false);
test(repository, 'contoso/web/*', `${SERVICES}/fabrikam/web/_git/anything`, false);
test(repository, 'contoso/*/*', `${SERVICES}/contoso/_git/anything`, true);
test(repository, 'contoso/web-*/site', `${SERVICES}/contoso/web-shop/_git/site`, true);
test(repository, 'contoso/web-*/site', `${SERVICES}/contoso/web/_git/site`, false);
test(repository, 'contoso/a*b*c/site', `${SERVICES}/contoso/a1b2c/_git/site`, true);
test(repository, 'contoso/a*b*c/site', `${SERVICES}/contoso/abc/_git/site`, true);
test(repository, 'contoso/aba*aba/site', `${SERVICES}/contoso/aba/_git/site`, false);
// the server takes an id for a name
test(repository, 'contoso/0*/site', `${SERVICES}/contoso/${ID}/_git/site`, false);
test(repository, 'contoso/*/site', `${SERVICES}/contoso/${ID}/_git/site`, true);
test(repository, `contoso/${ID}/site`, `${SERVICES}/contoso/${ID.toUpperCase()}/_git/site`, true);
test(repository, 'contoso/web/0f*', `${SERVICES}/contoso/web/_git/${ID}`, false);
test(repository, 'contoso/\u212aeys/site', `${SERVICES}/contoso/keys/_git/site`, false);
test(repository, 'tfs.example.org/main/web/*', 'tfs.example.org/tfs/Main/Web/_git/site', true);
test(repository, 'ado.example.org/devops/main/web/*', 'ado.example.org/devops/Main/Web/_git/site', true);
test(repository, 'ado.example.org/main/web/*', 'ado.example.org/devops/Main/Web/_git/site', false);
test(repository, 'main/web/*', 'tfs.example.org/tfs/Main/Web/_git/site', false);
test(repository, 'tfs.example.org/contoso/web/*', `${SERVICES}/contoso/web/_git/site`, false);

for (const text of [
  'contoso',
  'contoso/web',
  'contoso//site',
  'a/b/c/d',
  '*.example.org/a/b/c',
  'contoso/web/../site',
  'contoso/web/a%2fb',
  '',
  'contoso/web/a\\b',
  'h.example/*/b/c/d',
  'devops/h.example/b/c/d',
])
  test(`"${text}" is not a pattern of repositories`, (t) => {
    t.is(parseRepositoryPattern(text), undefined);
  });

const ref = test.macro({
  exec(t, pattern: string, name: string, isAllowed: boolean) {
    t.is(allowsRef({...ruleOf('a/b/c'), push: [pattern]}, name), isAllowed);
  },
  title: (_, pattern: string, name: string, isAllowed: boolean) =>
    `${pattern} ${isAllowed ? 'allows' : 'denies'} the ref ${name}`,
});

test(ref, 'refs/heads/agents/*', 'refs/heads/agents/x', true);
test(ref, 'refs/heads/agents/*', 'refs/heads/agents/x/y', true);
test(ref, 'refs/heads/agents/*', 'refs/heads/agents', false);
test(ref, 'refs/heads/agents/*', 'refs/heads/Agents/x', false);
test(ref, 'refs/heads/agents/*', 'refs/heads/main', false);
test(ref, 'refs/heads/main', 'refs/heads/main', true);
test(ref, 'refs/heads/main', 'refs/heads/main2', false);
test(ref, 'refs/heads/*', 'refs/tags/v1', false);
test(ref, '*', 'refs/notes/x', true);

function cut(address: string): readonly [host: string, path: string] {
  const slash = address.indexOf('/');
  return [address.slice(0, slash), address.slice(slash)];
}
