import test from 'ava';
import {locateRepository} from '../../../src/gateway/rule/repository.ts';

const serversAt = (host: string) =>
  host === 'ado.example.org'
    ? ['ado.example.org/DevOps']
    : host === 'tfs.example.org' || host === 'tfs.example.org:8443'
      ? [host]
      : [];

const located = test.macro({
  exec(t, address: string, expected: string, sent: string) {
    const [host, path] = cut(address);
    const found = locateRepository(host, path, serversAt);
    if ('reason' in found) return t.fail(found.reason);
    const {organization, project, repository, host: realHost, path: realPath} = found.repository;
    t.is(`${organization}/${project}/${repository} ${found.rest.join('/')}`.trim(), expected);
    t.is(`${realHost}${realPath}`, sent);
  },
  title: (_, address: string, expected: string) => `${address} is ${expected}`,
});

const SITE = 'contoso/Web/site';
test(located, 'dev.azure.com/contoso/Web/_git/site', SITE, 'dev.azure.com/contoso/Web/_git/site');
test(
  located,
  'dev.azure.com/Contoso/Web/_git/site/info/refs',
  `${SITE} info/refs`,
  'dev.azure.com/Contoso/Web/_git/site',
);
test(located, 'dev.azure.com/contoso/_git/site', 'contoso/site/site', 'dev.azure.com/contoso/_git/site');
test(
  located,
  'dev.azure.com/contoso/Web/_git/_full/site/info/refs',
  `${SITE} info/refs`,
  'dev.azure.com/contoso/Web/_git/_full/site',
);
test(
  located,
  'dev.azure.com/contoso/Web/_git/_optimized/site',
  SITE,
  'dev.azure.com/contoso/Web/_git/_optimized/site',
);
test(
  located,
  'dev.azure.com/contoso/My%20Web%20%26%20100%25%20%28%C3%A9%29/_git/site%20%C3%BC',
  'contoso/My Web & 100% (é)/site ü',
  'dev.azure.com/contoso/My%20Web%20%26%20100%25%20(%C3%A9)/_git/site%20%C3%BC',
);
test(located, 'contoso.visualstudio.com/Web/_git/site', SITE, 'contoso.visualstudio.com/Web/_git/site');
test(
  located,
  'contoso.visualstudio.com/DefaultCollection/Web/_git/site',
  SITE,
  'contoso.visualstudio.com/DefaultCollection/Web/_git/site',
);
test(
  located,
  'contoso.visualstudio.com/contoso/_git/site',
  'contoso/contoso/site',
  'contoso.visualstudio.com/contoso/_git/site',
);
test(
  located,
  'ssh.dev.azure.com/v3/contoso/Web/site/info/refs',
  `${SITE} info/refs`,
  'dev.azure.com/contoso/Web/_git/site',
);
test(
  located,
  'contoso.visualstudio.com/DefaultCollection/Web/_ssh/site/info/refs',
  `${SITE} info/refs`,
  'contoso.visualstudio.com/DefaultCollection/Web/_git/site',
);
test(located, 'vs-ssh.visualstudio.com/v3/contoso/Web/site', SITE, 'dev.azure.com/contoso/Web/_git/site');
test(
  located,
  'tfs.example.org/tfs/Main/Web/_git/site',
  'main/Web/site',
  'tfs.example.org/tfs/Main/Web/_git/site',
);
test(
  located,
  'ado.example.org/devops/Main/Web/_git/site/info/refs',
  'main/Web/site info/refs',
  'ado.example.org/devops/Main/Web/_git/site',
);
test(
  located,
  'ado.example.org/DevOps/DevOps/_git/site',
  'devops/site/site',
  'ado.example.org/DevOps/DevOps/_git/site',
);
test(located, 'tfs.example.org:8443/Main/_git/site', 'main/site/site', 'tfs.example.org:8443/Main/_git/site');

const ambiguous = test.macro({
  exec(t, host: string, path: string) {
    t.true('reason' in locateRepository(host, path, serversAt));
  },
  title: (_, host: string, path: string) => `${host}${path} names no repository`,
});

for (const path of [
  'contoso/Web/_git/site',
  '//contoso/Web/_git/site',
  '/contoso//Web/_git/site',
  '/contoso/Web/../Secret/_git/site',
  '/contoso/Web/%2e%2e/Secret/_git/site',
  '/contoso/Web/./_git/site',
  '/contoso/Web%2fSecret/_git/site',
  '/contoso/Web%5cSecret/_git/site',
  '/contoso/Web\\Secret/_git/site',
  '/contoso/Web/_git/site%2f..%2fsecret',
  '/contoso/Web/_git/site%252e%252e',
  '/contoso/Web/_git/site%00',
  '/contoso/Web/_git/site%0d%0aHost:%20evil',
  '/contoso/Web/_git/site%',
  '/contoso/Web/_git/site%ff',
  '/contoso/Web/_git/site;x',
  '/contoso/Web/_git/site%3fx',
  '/contoso/Web/_git/site%23x',
  '/contoso/Web/_git/sité',
  '/contoso/Web/_git/',
  '/contoso/Web/_git',
  '/contoso/Web/_git/_full',
  '/contoso/Web/_ssh/site',
  '/contoso/Web/_apis/git/repositories/site',
  '/contoso/Web/More/_git/site',
  '/-bad-/Web/_git/site',
  `/contoso/Web/_git/${'x'.repeat(5000)}`,
  '/',
  '',
])
  test(ambiguous, 'dev.azure.com', path);
test(ambiguous, 'evil.example', '/contoso/Web/_git/site');
test(ambiguous, 'dev.azure.com.evil.example', '/contoso/Web/_git/site');
test(ambiguous, 'ssh.dev.azure.com', '/v2/contoso/Web/site');
test(ambiguous, 'ssh.dev.azure.com', '/v3/contoso/Web');
test(ambiguous, 'tfs.example.org', '/_git/site');
test(ambiguous, 'ado.example.org', '/devops/_git/site');
test(ambiguous, 'ado.example.org', '/Main/Web/_git/site');
test(ambiguous, 'ado.example.org', '/devops/Main/Web/More/_git/site');

function cut(address: string): readonly [host: string, path: string] {
  const slash = address.indexOf('/');
  return [address.slice(0, slash), address.slice(slash)];
}
