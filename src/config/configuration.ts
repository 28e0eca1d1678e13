import type {Binding} from '../identity/bindings.ts';
import type {SecretSource} from '../identity/identity.ts';

/** A configuration that is in force: everything checked, every default filled in. */
export interface Configuration {
  /** The file's absolute path; `environment`: made from variables; `none`: there is neither. */
  readonly source: string;
  readonly bindings: readonly Binding[];
  readonly settings: Settings;
  /** What is allowed but looks wrong. */
  readonly warnings: readonly Problem[];
  /** Absolute paths whose change means that it must be read again. */
  readonly files: readonly string[];
  /** A hash of everything that was read, keyed for this process: equal hashes mean an equal configuration. */
  readonly hash: string;
  /**
   * Names what was found valid, in any process: a hash of what is written, secrets left out, and of the rules.
   * `undefined` where there is no file. A later load that knows it need not load the schema.
   */
  readonly validity: string | undefined;
}

export type Loaded =
  | {readonly kind: 'loaded'; readonly configuration: Configuration}
  | {
      readonly kind: 'invalid';
      readonly source: string;
      readonly problems: readonly Problem[];
      readonly files: readonly string[];
    };

/** What is wrong in a configuration, and where. Never holds a secret. */
export interface Problem {
  /** `/etc/orgkey/config.yaml:12:9`; lines and columns count from 1. */
  readonly place: string;
  /** Lower case, no full stop. */
  readonly message: string;
  readonly hint: string | undefined;
}

/** The section `orgkey:` of the configuration. */
export interface Settings {
  /** Tokens of the configured organizations are acquired at start. Default: true. */
  readonly prefetch: boolean;
  /** What git does where a configured organization fails. Default: `quit`. */
  readonly onFailure: 'quit' | 'pass';
  /** The daemon ends after this long without a request, in milliseconds. Default: never (`undefined`). */
  readonly idleExit: number | undefined;
  readonly entra: EntraSettings;
  readonly sockets: readonly SocketSettings[];
  readonly submodules: readonly SubmoduleSettings[];
  /** A command whose standard streams lead to the ssh host, as OpenSSH's ProxyCommand. Default: none. */
  readonly sshProxyCommand: string | undefined;
  /** `host:port` on loopback, or a socket's path. Default: off (`undefined`). */
  readonly metricsListen: string | undefined;
  readonly audit: AuditSettings;
}

export interface EntraSettings {
  /** Default: `https://login.microsoftonline.com`. */
  readonly authorityHost: string;
  /** Default: false. */
  readonly disableInstanceDiscovery: boolean;
}

/** One scoped socket. */
export interface SocketSettings {
  readonly name: string;
  /** Organizations and collections, in lower case. */
  readonly organizations: readonly string[];
  /** Permission bits. Default: 0o600. */
  readonly mode: number;
  /** Name or number. Default: the daemon's own. */
  readonly group: string | undefined;
}

/** The key for some organizations' submodules. */
export interface SubmoduleSettings {
  /** In lower case. */
  readonly organizations: readonly string[];
  /** The ssh name of the host, for every port, or `name:port`. Default: `ssh.dev.azure.com` (and `vs-ssh.visualstudio.com`). */
  readonly host: string;
  readonly privateKey: SecretSource | AgentKeySource;
  /** Where the key is read from; absolute. `undefined`: from no file. */
  readonly keyFile: string | undefined;
  /** Patterns `project/repository`, `*` for any run of characters within a segment. Default: all of the organizations. */
  readonly repositories: readonly string[];
  /** Lines as in OpenSSH's known_hosts. Default: built in for Azure DevOps. */
  readonly knownHosts: string | undefined;
  readonly place: string;
}

/** A private key that an ssh-agent holds. */
export interface AgentKeySource {
  readonly from: 'ssh-agent';
  /** The absolute path of the agent's socket. */
  readonly socket: string;
  /** As in a `.pub` file: `ssh-rsa AAAA… comment`. */
  readonly publicKey: string;
}

export interface AuditSettings {
  /** In bytes. Default: 10 MiB. */
  readonly maxSize: number;
  /** How many are kept. Default: 5. */
  readonly files: number;
}
