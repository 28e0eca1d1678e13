import {parseAddress, parseRemote} from '../../src/organization/git-url.ts';
import {parseConfiguration} from '../../src/config/text/parse-configuration.ts';
import {Problems} from '../../src/config/text/problems.ts';
import {decodeMessage, encodeMessage} from '../../src/entra/message.ts';
import {readConnect, readGreeting} from '../../src/gateway/door/socks.ts';
import {PushHeadError, readPushHead} from '../../src/gateway/rule/push-commands.ts';
import {locateRepository} from '../../src/gateway/rule/repository.ts';
import {ownerOf} from '../../src/organization/owner.ts';
import {parseRequest, RequestError} from '../../src/protocol/request.ts';
import {Secret} from '../../src/secret/secret.ts';
import {KnownHosts} from '../../src/ssh/host/host-keys.ts';
import {SERVICES_KNOWN_HOSTS} from '../../src/ssh/host/known-hosts-data.ts';
import {readPrivateKey} from '../../src/ssh/key/private-key.ts';
import {MuxSession} from '../../src/ssh/relay/mux-session.ts';
import {byte, string, uint32, WireError} from '../../src/ssh/relay/wire.ts';
import {decodeEntry, encodeEntry} from '../../src/store/entry-format.ts';
import {printable} from '../../src/text/printable.ts';
import {showAddress} from '../../src/text/show-address.ts';

/** A parser of foreign bytes. */
interface Target {
  readonly seeds: readonly (string | Uint8Array)[];
  /** Throws if the parser does what it must not. */
  readonly run: (bytes: Buffer) => void | Promise<void>;
}

const COMMAND = "git-upload-pack 'v3/contoso/Web/lib'";
const frame = (...parts: readonly Uint8Array[]) => string(Buffer.concat(parts));
const packet = (type: number, ...parts: readonly Uint8Array[]) => frame(byte(0), byte(type), ...parts);

export const targets: Readonly<Record<string, Target>> = {
  "git's requests": {
    seeds: [
      'action=get\ntimeout=900\nprotocol=https\nhost=dev.azure.com\npath=contoso/p/_git/r\nusername=me\n',
      'action=get\ntimeout=900\noperation=store\nprotocol=https\nhost=contoso.visualstudio.com\npassword=x\n',
      'action=get\ntimeout=1\noperation=grant\ndestination=git@h\nport=22\ncommand=c\noption=\ndirectory=/\n',
      'action=erase\ntimeout=1\nprotocol=https\nhost=h\nstate[]=a\nwwwauth[]=Basic\nauthtype=Bearer\n',
    ],
    run(bytes) {
      const request = unless(RequestError, () => parseRequest(bytes));
      if (request === undefined || !('remote' in request)) return;
      const owner = ownerOf(request.remote, () => []);
      const isOurs = /(?:^|\.)(?:dev\.azure|visualstudio)\.com\.?(?::443)?$/i.test(request.remote.host);
      if (owner.kind === 'organization' && !isOurs) throw new Error(`${request.remote.host} has an owner`);
    },
  },
  "ssh's multiplexing": {
    seeds: [
      Buffer.concat([
        frame(uint32(1), uint32(4)),
        frame(uint32(0x1000000f), uint32(0)),
        packet(90, string('session'), uint32(7), uint32(1000), uint32(500)),
        packet(98, uint32(0), string('env'), byte(1), string('GIT_PROTOCOL'), string('version=2')),
        packet(98, uint32(0), string('exec'), byte(1), string(COMMAND)),
        packet(94, uint32(0), string('want')),
      ]),
    ],
    run(bytes) {
      const events = unless(WireError, () => new MuxSession(COMMAND).receive(bytes)) ?? [];
      const runs = events.filter(({kind}) => kind === 'execute').length;
      if (runs > Number(bytes.includes(COMMAND))) throw new Error('another command runs');
    },
  },
  "the acquirer's messages": {
    seeds: [encodeMessage({head: {kind: 'token'}, secrets: {accessToken: Buffer.from('t')}})],
    run: (bytes) => void decodeMessage(bytes),
  },
  configurations: {
    seeds: [
      'integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n        - {organizations: [a], clientId: "b"}\n',
      'orgkey: &a\n  audit: {maxSize: 1MiB}\n  sockets: [*a, "\\x41", \'b\', |\n    text\n  ]\n',
    ],
    run: async (bytes) =>
      void (await parseConfiguration(bytes.toString(), new Problems('f', bytes.toString()))),
  },
  'known hosts': {
    seeds: [
      SERVICES_KNOWN_HOSTS,
      '|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= ssh-rsa AAAA\n*.a,!b ssh-rsa A',
    ],
    run(bytes) {
      const hosts = new KnownHosts(bytes.toString());
      hosts.keysOf('ssh.dev.azure.com', 22);
      hosts.mayKnow('h');
    },
  },
  'private keys': {
    seeds: [
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n',
    ],
    run: async (bytes) => void (await readPrivateKey(new Secret(new Uint8Array(bytes)), 'h')),
  },
  "a push's commands": {
    seeds: [
      `00a0${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/a\0 report-status side-band-64k object-format=sha1\n0000PACK`,
    ],
    async run(bytes) {
      const chunks = [bytes];
      const body = {next: () => Promise.resolve(chunks.shift())};
      try {
        await readPushHead(body, undefined);
      } catch (error) {
        if (!(error instanceof PushHeadError)) throw error;
      }
    },
  },
  "a gateway's handshakes": {
    seeds: [
      Buffer.from([5, 1, 0]),
      Buffer.concat([Buffer.from([5, 1, 0, 3, 13]), Buffer.from('dev.azure.com'), Buffer.from([1, 187])]),
    ],
    run(bytes) {
      readGreeting(bytes);
      const step = readConnect(bytes, (host) => host === 'dev.azure.com');
      if (step.kind === 'connected' && step.host !== 'dev.azure.com')
        throw new Error(`connected to ${step.host}`);
    },
  },
  "a gateway's paths": {
    seeds: [
      '/contoso/web/_git/site/info/refs',
      '/contoso/_git/site/git-upload-pack',
      '/%63ontoso/web/_git/a%20b/x',
    ],
    run: (bytes) => void locateRepository('dev.azure.com', bytes.toString(), () => []),
  },
  'stored entries': {
    seeds: [encodeEntry('name', new Secret(Buffer.from('secret')), undefined)],
    run: (bytes) => void decodeEntry(bytes, undefined),
  },
  addresses: {
    seeds: [
      'https://user:pa@ss@dev.azure.com/contoso/p/_git/r?q#h',
      'http://DOM\\u:p@proxy:8080',
      'git@h:v3/a/b/c',
    ],
    run(bytes) {
      const text = bytes.toString();
      for (const kind of ['server', 'remote'] as const) {
        const {shown} = showAddress(text, kind);
        if (shown.includes('@')) throw new Error('a login is shown');
      }
      parseRemote(text);
      if (parseAddress(text)?.username !== undefined) throw new Error('a user name names an organization');
      // eslint-disable-next-line no-control-regex
      if (/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(printable(text))) throw new Error('not printable');
    },
  },
};

/** Returns the result of an action, or nothing if it fails as it may. */
function unless<T>(expected: abstract new (...args: never[]) => Error, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof expected) return undefined;
    throw error;
  }
}
