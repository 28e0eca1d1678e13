import test from 'ava';
import {configuredUrl} from '../../src/answer/configured-url.ts';
import {ownerOf} from '../../src/organization/owner.ts';

const servers = ['azure.example.org', 'azure.example.org:8443', 'srv.example.org/DevOps'];
const names = ['contoso', 'Contoso-Labs', 'DefaultCollection', 'My Stüff'];

const becomes = test.macro({
  exec: (t, host: string, path: string | undefined, expected: string | undefined) => {
    const remote = {protocol: 'https', host, path, username: path === undefined ? 'CONTOSO' : undefined};
    const owner = ownerOf(remote, (one) => servers.filter((server) => server.split('/')[0] === one));
    t.is(configuredUrl(remote, owner, names), expected);
  },
  title: (_, host: string, path: string | undefined, expected: string | undefined) =>
    `${host}/${path ?? ''} becomes ${expected ?? 'nothing else'}`,
});

const services = 'dev.azure.com';
test(becomes, services, 'contoso/p/_git/r', undefined);
test(becomes, services, 'CONTOSO/p/_git/R', 'https://dev.azure.com/contoso/p/_git/R');
test(
  becomes,
  services,
  'ConToso/My Web & 100% (é)/_git/r/',
  'https://dev.azure.com/contoso/My%20Web%20%26%20100%25%20(%C3%A9)/_git/r/',
);
test(becomes, services, 'contoso-labs/p', 'https://dev.azure.com/Contoso-Labs/p');
test(becomes, services, undefined, 'https://dev.azure.com/contoso');
test(becomes, services, 'Fabrikam/p', undefined);
test(becomes, 'DEV.azure.com:443', 'cOntoso/p', 'https://DEV.azure.com:443/contoso/p');
test(becomes, 'Contoso.visualstudio.com', 'CONTOSO/_git/r', undefined);
test(
  becomes,
  'azure.example.org:8443',
  'TFS/defaultcollection/p',
  'https://azure.example.org:8443/tfs/DefaultCollection/p',
);
test(
  becomes,
  'azure.example.org',
  'TFS/DefaultCollection/p',
  'https://azure.example.org/tfs/DefaultCollection/p',
);
test(becomes, 'azure.example.org', 'tfs/DefaultCollection/p', undefined);
test(
  becomes,
  'azure.example.org',
  'DEFAULTCOLLECTION/tfs',
  'https://azure.example.org/DefaultCollection/tfs',
);
test(becomes, 'azure.example.org', 'my STÜFF/p', 'https://azure.example.org/My%20St%C3%BCff/p');
test(becomes, 'azure.example.org', 'tfs', undefined);
test(becomes, 'github.com', 'CONTOSO/r', undefined);
test(
  becomes,
  'srv.example.org',
  'devops/DefaultCollection/p',
  'https://srv.example.org/DevOps/DefaultCollection/p',
);
test(becomes, 'srv.example.org', 'DEVOPS/Other/p', 'https://srv.example.org/DevOps/Other/p');
test(becomes, 'srv.example.org', 'DevOps/Other/p', undefined);
test(becomes, 'srv.example.org', undefined, undefined);
