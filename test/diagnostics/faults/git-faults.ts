import type {SeededFault} from '../../helpers/provoke-fault.ts';
import type {SickWorld} from '../../helpers/sick-world.ts';

function global(key: string, value: string): (world: SickWorld) => Promise<void> {
  return (world) => world.expect(world.person.git(['config', '--global', '--add', key, value]), key);
}

function variable(name: string, value: string): () => {environment: Record<string, string>} {
  return () => ({environment: {[name]: value}});
}

/** In the clone. */
function local(key: string, value: string): (world: SickWorld) => Promise<{directory: string}> {
  return async (world) => {
    const directory = world.person.path('site');
    await world.expect(world.person.git(['config', '--add', key, value], {directory}), key);
    return {directory: 'site'};
  };
}

const inClone = {words: ['contoso'], remote: 'origin'} as const;
const withoutVariables = () => ({environment: {}});

/** What breaks between git's command line and orgkey. */
export const gitFaults: readonly SeededFault[] = [
  {
    title: "git's own proxy does not listen",
    seed: global('http.proxy', 'http://127.0.0.1:9'),
    cause: /Failed to connect.*without http\.proxy it works \(global/,
  },
  {
    title: 'a proxy that only git uses for this host does not listen',
    seed: global('http.https://dev.azure.com.proxy', 'http://127.0.0.1:9'),
    cause: /without http\.https:\/\/dev\.azure\.com\.proxy it works/,
  },
  {
    title: 'a remote of the clone has a proxy of its own',
    ...inClone,
    seed: local('remote.origin.proxy', 'http://127.0.0.1:9'),
    cause: /without remote\.origin\.proxy it works \(local/,
  },
  {
    title: 'the file of certificate authorities that git uses is missing',
    seed: global('http.sslCAInfo', '/nowhere/ca.pem'),
    cause: /without http\.sslcainfo it works/,
  },
  {
    title: 'git knows nothing of the certificate authority that orgkey uses',
    seed: (world) =>
      world.expect(world.person.git(['config', '--global', '--unset-all', 'http.sslCAInfo']), 'unset'),
    cause: /git does not trust the certificate/,
  },
  {
    title: "git pins another public key than the server's",
    seed: global('http.pinnedPubkey', 'sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='),
    cause: /without http\.pinnedpubkey it works/,
  },
  {
    title: 'git is to use a client certificate that does not exist',
    seed: global('http.sslCert', '/nowhere/client.pem'),
    cause: /without http\.sslcert it works/,
  },
  {
    title: 'git is to use a TLS library that it does not have',
    seed: global('http.sslBackend', 'nosuch'),
    cause: /without http\.sslbackend it works/,
  },
  {
    title: 'insteadOf leads to another host',
    seed: global('url.https://git.example.org/.insteadOf', 'https://dev.azure.com/'),
    cause: /git uses another address for contoso/,
  },
  {
    title: 'insteadOf leads to plain HTTP',
    seed: global('url.http://dev.azure.com/.insteadOf', 'https://dev.azure.com/'),
    cause: /git uses another address for contoso/,
  },
  {
    title: 'an empty helper of the user drops orgkey',
    seed: global('credential.helper', ''),
    cause: /the helpers are dropped by an empty credential\.helper/,
  },
  {
    title: 'an empty helper in the clone drops orgkey',
    ...inClone,
    seed: local('credential.helper', ''),
    cause: /the helpers are dropped by an empty credential\.helper \(local/,
  },
  {
    title: 'git does not send the path',
    seed: global('credential.useHttpPath', 'false'),
    cause: /git does not send the organization's name/,
  },
  {
    title: 'an old Authorization header of the user',
    seed: global('http.extraHeader', 'Authorization: Bearer stale-stale-stale'),
    cause: /git sends an Authorization header of its own \(http\.extraheader: global/,
  },
  {
    title: 'an old Authorization header for one repository, as pipelines leave it',
    ...inClone,
    seed: local(
      'http.https://dev.azure.com/contoso/web/_git/site.extraheader',
      'Authorization: Bearer stale',
    ),
    cause: /git sends an Authorization header of its own \(http\.https:.*extraheader: local/,
  },
  {
    title: 'https is not allowed',
    seed: global('protocol.https.allow', 'never'),
    cause: /'https' not allowed; without protocol\.https\.allow it works/,
  },
  {
    title: 'no protocol is allowed',
    seed: global('protocol.allow', 'never'),
    cause: /without protocol\.allow it works/,
  },
  {
    title: 'the remote names a helper that does not exist',
    ...inClone,
    seed: local('remote.origin.vcs', 'nosuch'),
    cause: /without remote\.origin\.vcs it works/,
  },
  {
    title: 'GIT_ALLOW_PROTOCOL leaves out https',
    seed: variable('GIT_ALLOW_PROTOCOL', 'ssh'),
    cause: /without the variable GIT_ALLOW_PROTOCOL it works/,
  },
  {
    title: 'GIT_SSL_CAINFO names a file that does not exist',
    seed: variable('GIT_SSL_CAINFO', '/nowhere/ca.pem'),
    cause: /without the variable GIT_SSL_CAINFO it works/,
  },
  {
    title: 'GIT_SSL_CERT names a file that does not exist',
    seed: variable('GIT_SSL_CERT', '/nowhere/client.pem'),
    cause: /without the variable GIT_SSL_CERT it works/,
  },
  {
    title: 'GIT_EXEC_PATH names another directory',
    seed: variable('GIT_EXEC_PATH', '/nowhere'),
    cause: /without the variable GIT_EXEC_PATH it works/,
  },
  {
    title: 'GIT_CONFIG_GLOBAL hides the configuration of the user',
    seed: variable('GIT_CONFIG_GLOBAL', '/dev/null'),
    cause: /git reads other configuration files than usual: GIT_CONFIG_GLOBAL/,
  },
  {
    title: 'a setting in GIT_CONFIG_… variables drops orgkey',
    seed: () => ({
      environment: {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'credential.helper',
        GIT_CONFIG_VALUE_0: '',
      },
    }),
    cause: /dropped by an empty credential\.helper \(set by -c/,
    mend: withoutVariables,
  },
  {
    title: 'the proxy of the shell does not listen',
    seed: () => ({environment: {https_proxy: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9'}}),
    cause: /^the proxy 127\.0\.0\.1:9 cannot be reached/,
    mend: withoutVariables,
  },
  {
    title: 'NO_PROXY covers everything, and the name is unknown here',
    seed: () => ({environment: {no_proxy: '*', NO_PROXY: '*'}}),
    cause: /^the name dev\.azure\.com cannot be (?:resolved|found)|^git cannot resolve/,
    mend: withoutVariables,
  },
  {
    title: 'a broken line in the configuration of the user',
    seed: (world) => {
      world.person.write('.gitconfig', `${world.person.read('.gitconfig') ?? ''}[broken\n`);
    },
    cause: /bad config line/,
    mend: (world) => {
      const text = world.person.read('.gitconfig') ?? '';
      world.person.write('.gitconfig', text.replace('[broken\n', ''));
    },
  },
  {
    title: 'an old password in the URL of a remote',
    ...inClone,
    seed: async (world) => {
      const directory = world.person.path('site');
      const url = world.url.replace('://', '://ann:oldpassword@');
      await world.expect(world.person.git(['remote', 'set-url', 'origin', url], {directory}), 'set-url');
      return {directory: 'site'};
    },
    cause: /the URL of origin holds a password/,
  },
  {
    title: 'git is missing',
    seed: () => ({environment: {PATH: '/nowhere'}}),
    cause: /git is not on the PATH/,
    mend: withoutVariables,
  },
  {
    title: 'git is too old',
    seed: (world) => {
      world.person.write(
        'old/git',
        '#!/bin/sh\n[ "$1" = ls-remote ] && exit 1\necho git version 2.20.1\n',
        0o755,
      );
      const {PATH = ''} = world.person.environment;
      return {environment: {PATH: `${world.person.path('old')}:${PATH}`}};
    },
    cause: /git 2\.20\.1 is too old/,
    mend: withoutVariables,
  },
  {
    title: "git was built without its cache's client",
    seed: (world) => {
      const script =
        '#!/bin/sh\n[ "$1" = credential-cache ] && { echo "no such command" >&2; exit 1; }\nPATH=${PATH#*:}\nexec git "$@"\n';
      world.person.write('small/git', script, 0o755);
      const {PATH = ''} = world.person.environment;
      return {environment: {PATH: `${world.person.path('small')}:${PATH}`}};
    },
    cause: /this git has no credential-cache/,
    mend: withoutVariables,
    // the stub hides it from doctor only
    gitWorks: true,
  },
  {
    title: 'another user owns the clone',
    ...inClone,
    seed: async (world) => {
      const site = world.person.path('site');
      await world.expect(world.person.spawn('chown', ['-R', '65534', site]), 'chown');
      return {
        directory: 'site',
        undo: () =>
          world.expect(world.person.spawn('chown', ['-R', String(process.getuid?.()), site]), 'chown'),
      };
    },
    cause: /another user owns it/,
  },
];
