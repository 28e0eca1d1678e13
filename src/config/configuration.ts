import type {Rule} from '../gateway/rule/rule.ts';
import type {Binding} from '../identity/bindings.ts';
import type {SecretSource} from '../identity/identity.ts';
import type {OrgkeyValues} from './shape/keys.ts';
import type {Problem} from './text/problems.ts';
import type {AgentKeySource} from './value/value-source.ts';

export type {AgentKeySource, Problem};

/** A configuration that is in force: everything is checked, and every default is filled in. */
export interface Configuration {
  /** The file's absolute path; `environment`: made from variables; `none`: there is neither. */
  readonly source: string;
  readonly bindings: readonly Binding[];
  readonly settings: Settings;
  /** What is allowed but looks wrong. */
  readonly warnings: readonly Problem[];
  /** What is wrong with single credentials, sockets and keys: they are not in force, and everything else is. */
  readonly problems: readonly Problem[];
  /** Absolute paths whose change means that the configuration must be read again. */
  readonly files: readonly string[];
  /** A hash of everything that was read, keyed for this process: equal hashes mean an equal configuration. */
  readonly hash: string;
  /** What to keep of it for a restart, without secrets. `undefined`: it is not kept, because parts of it are wrong. */
  readonly kept: string | undefined;
  /** Neither `integrations.azure` nor `orgkey` exists. */
  readonly isEmpty: boolean;
}

export type Loaded =
  | {readonly kind: 'loaded'; readonly configuration: Configuration}
  | {
      readonly kind: 'invalid';
      readonly source: string;
      readonly problems: readonly Problem[];
      readonly files: readonly string[];
    };

/** The section `orgkey`: the values of the table in `shape/keys.ts`, which describes each. */
export interface Settings extends Omit<
  OrgkeyValues,
  'sockets' | 'gateways' | 'submodules' | 'ssh' | 'metrics'
> {
  readonly sockets: readonly SocketSettings[];
  readonly gateways: readonly GatewaySettings[];
  readonly submodules: readonly SubmoduleSettings[];
  readonly sshProxyCommand: OrgkeyValues['ssh']['proxyCommand'];
  readonly metricsListen: OrgkeyValues['metrics']['listen'];
}

export type EntraSettings = OrgkeyValues['entra'];
export type AuditSettings = OrgkeyValues['audit'];

/** One scoped socket. */
export interface SocketSettings {
  readonly name: string;
  /** Organizations and collections, in lower case. */
  readonly organizations: readonly string[];
  /** Permission bits. */
  readonly mode: number;
  /** A name or a number. `undefined`: the daemon's own. */
  readonly group: string | undefined;
  /** The gateway whose capabilities it hands out, if any. */
  readonly gateway?: string | undefined;
}

/** The key for the submodules of some organizations. */
export interface SubmoduleSettings {
  /** In lower case. */
  readonly organizations: readonly string[];
  /** The ssh name of the host, for every port, or `name:port`. */
  readonly host: string;
  readonly privateKey: SecretSource | AgentKeySource;
  /** The absolute path that the key is read from. `undefined`: it is not in a file. */
  readonly keyFile: string | undefined;
  /** Patterns `project/repository`, `*` for any run of characters within a segment. None: all repositories. */
  readonly repositories: readonly string[];
  /** Lines as in OpenSSH's known_hosts. `undefined`: those that are built in for Azure DevOps. */
  readonly knownHosts: string | undefined;
  readonly place: string;
}

/** One gateway. */
export interface GatewaySettings {
  readonly name: string;
  readonly rule: Rule;
  /** A loopback address and a port, 0 for any. Default: off (`undefined`). */
  readonly listen: {readonly host: string; readonly port: number} | undefined;
  /** Permission bits. Default: 0o600. */
  readonly mode: number;
  /** Name or number. Default: the daemon's own. */
  readonly group: string | undefined;
}
