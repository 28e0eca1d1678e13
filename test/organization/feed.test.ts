import test from 'ava';
import {feedAt, nameOfFeed} from '../../src/organization/feed.ts';
import {parseAddress} from '../../src/organization/git-url.ts';
import {ownerOf} from '../../src/organization/owner.ts';
import {nameOf} from '../../src/organization/socket-scope.ts';

const serversAt = (host: string) => {
  if (host === 'azure.example.org') return [host];
  return host === 'ado.example.org' ? ['ado.example.org/devops'] : [];
};

/** Returns the organization and the feed of an address, as the daemon reads them for a tool. */
function read(address: string): string {
  const remote = parseAddress(address);
  if (remote === undefined) return 'no address';
  const owner = ownerOf(remote, serversAt, 'all');
  const feed = feedAt(remote, owner);
  return `${nameOf(owner) ?? owner.kind} ${feed === undefined ? '-' : nameOfFeed(feed)}`;
}

for (const [address, expected] of [
  ['https://pkgs.dev.azure.com/contoso/_packaging/tools/npm/registry/', 'contoso tools'],
  [
    'https://pkgs.dev.azure.com/Contoso/Web%20shop/_packaging/tools@Local/pypi/simple/',
    'contoso Web shop/tools@Local',
  ],
  [
    'https://VssSessionToken@pkgs.dev.azure.com/contoso/web/_packaging/tools/pypi/simple/',
    'contoso web/tools',
  ],
  ['HTTPS://PKGS.DEV.AZURE.COM/contoso/_packaging/tools/nuget/v3/index.json', 'contoso tools'],
  ['https://pkgs.dev.azure.com/contoso/_packaging/tools/nuget/v2?semVerLevel=2.0.0', 'contoso tools'],
  ['https://contoso.pkgs.visualstudio.com/_packaging/tools/maven/v1', 'contoso tools'],
  ['https://contoso.pkgs.visualstudio.com/web/_packaging/tools/maven/v1', 'contoso web/tools'],
  ['https://contoso.pkgs.visualstudio.com/DefaultCollection/_packaging/tools/maven/v1', 'contoso tools'],
  ['https://contoso.pkgs.visualstudio.com/DefaultCollection/web/_packaging/tools/v1', 'contoso web/tools'],
  ['https://azure.example.org/tfs/Main/web/_packaging/tools/Cargo/index/', 'main web/tools'],
  ['https://azure.example.org/Main/_packaging/tools/Cargo/index/', 'main tools'],
  ['https://ado.example.org/devops/Main/web/_packaging/tools/Cargo/index/', 'main web/tools'],
  ['https://dev.azure.com/contoso/_apis/projects', 'contoso -'],
  ['https://vssps.dev.azure.com/contoso/_apis/graph/users', 'contoso -'],
  ['https://pkgs.dev.azure.com/contoso/_packaging', 'contoso -'],
  // nothing names an organization
  ['https://pkgs.dev.azure.com', 'unnamed -'],
  ['https://contoso@pkgs.dev.azure.com/', 'unnamed -'],
  ['https://pkgs.dev.azure.com:8443/contoso/_packaging/tools/v1', 'unserved -'],
  ['http://pkgs.dev.azure.com/contoso/_packaging/tools/v1', 'unserved -'],
  ['https://pkgs.dev.azure.com/contoso/../fabrikam/_packaging/tools/v1', 'unserved -'],
  ['https://pkgs.dev.azure.com/%2e%2e/contoso/_packaging/tools/v1', 'unserved -'],
  ['https://contoso.blob.core.windows.net/contoso/_packaging/tools/v1', 'elsewhere -'],
  ['https://contoso.vsblob.vsassets.io/b', 'elsewhere -'],
  ['https://github.com/contoso/_packaging/tools/v1', 'elsewhere -'],
  // readers disagree about an encoded separator
  ['https://pkgs.dev.azure.com/contoso%2Fx/_packaging/tools/v1', 'no address'],
  ['https://pkgs.dev.azure.com/contoso%5cx/_packaging/tools/v1', 'no address'],
  ['https://pkgs.dev.azure.com/contoso/%0a', 'no address'],
  ['pkgs.dev.azure.com', 'no address'],
  ['', 'no address'],
] as const)
  test(`${address || 'an empty address'}: ${expected}`, (t) => {
    t.is(read(address), expected);
  });
