import type {Rule} from '../gateway/rule/rule.ts';
import type {Binding} from '../identity/bindings.ts';
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

/**
 * The section `orgkey`: the values of the table in `shape/keys.ts`, which describes each. A key that is added there is
 * in the settings from then on.
 */
export interface Settings extends Omit<OrgkeyValues, 'sockets' | 'gateways' | 'submodules'> {
  readonly sockets: readonly SocketSettings[];
  readonly gateways: readonly GatewaySettings[];
  readonly submodules: readonly SubmoduleSettings[];
}

type ItemOf<List extends 'sockets' | 'gateways' | 'submodules'> = NonNullable<
  NonNullable<OrgkeyValues[List]>[number]['sound']
>;

export type EntraSettings = OrgkeyValues['entra'];
export type AuditSettings = OrgkeyValues['audit'];

export interface SocketSettings extends Omit<ItemOf<'sockets'>, 'organizations'> {
  /** Organizations and collections, in lower case. */
  readonly organizations: readonly string[];
}

/** The key for the submodules of some organizations. */
export interface SubmoduleSettings extends Omit<ItemOf<'submodules'>, 'organizations' | 'repositories'> {
  /** In lower case. */
  readonly organizations: readonly string[];
  /** The absolute path that the key is read from. `undefined`: it is not in a file. */
  readonly keyFile: string | undefined;
  /** None: all repositories. */
  readonly repositories: readonly string[];
  readonly place: string;
}

export interface GatewaySettings extends Omit<
  ItemOf<'gateways'>,
  'repositories' | 'push' | 'deletions' | 'lfs'
> {
  readonly rule: Rule;
}
